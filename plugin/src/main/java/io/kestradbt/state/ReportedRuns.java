package io.kestradbt.state;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.core.JsonProcessingException;

import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;

/**
 * The runs on the dbt platform whose end a task's attempts have reported. One that was started and is not among them is not lost: the next
 * attempt finds it by its token, and takes it over.
 */
public final class ReportedRuns {
    private static final String FILE = "reported.json";
    private static final int DIGITS = 16;

    private final AttemptFolder files;

    public ReportedRuns(RunContext runContext) {
        this.files = new AttemptFolder(runContext, "dbt-runs");
    }

    /** Who wants the run: the same in each attempt, another one in each turn of a loop. Nothing can be read from it. */
    public String token() {
        return "kestra-" + StateKey.hash(files.identity()).substring(0, DIGITS);
    }

    /** Their ids, in the order in which they were reported. */
    public List<Long> ids() throws IOException {
        return read().runs();
    }

    /** Whether the last one was of something else than this, so that there is nothing to resume. */
    public boolean lastWasOfOther(List<?> wish) throws IOException {
        Reported reported = read();
        return !reported.runs().isEmpty() && !reported.fingerprint().equals(fingerprint(wish));
    }

    /**
     * Note that the end of a run is reported.
     *
     * @param wish what it is of: the job, and how it differs from it
     */
    public void add(long id, List<?> wish) throws IOException {
        List<Long> runs = new ArrayList<>(read().runs());
        runs.remove(id);
        runs.add(id);
        files.write(FILE, new Reported(fingerprint(wish), runs));
    }

    private Reported read() throws IOException {
        return files.read(FILE, Reported.class).orElseGet(() -> new Reported("", List.of()));
    }

    private static String fingerprint(List<?> wish) {
        try {
            return StateKey.hash(JacksonMapper.ofJson().writeValueAsString(wish));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // it goes to the runner as JSON, too
        }
    }

    /** All that is known of them. */
    record Reported(String fingerprint, List<Long> runs) {}
}
