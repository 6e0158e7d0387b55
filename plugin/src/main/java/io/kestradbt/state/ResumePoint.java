package io.kestradbt.state;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunnerFiles;

/** The run results of a task's attempts that failed, for a next one to go on from. */
final class ResumePoint {
    private static final String FOLDER = "resume";
    private static final String INDEX = "attempts.json";
    private static final String RESULTS = StateFolder.RUN_RESULTS;

    /** In the order of time, with those of a documentation step left out: it looks at nodes that it does not execute. */
    private static final String EXECUTING = "\\d+-(build|run|test|seed|snapshot|retry)/" + RESULTS;

    private final RunContext runContext;
    private final AttemptFolder files;

    ResumePoint(RunContext runContext) {
        this.runContext = runContext;
        this.files = new AttemptFolder(runContext, "dbt-resume");
    }

    /**
     * Fetch the attempts before into the working directory.
     *
     * @param fingerprint of what is to be run: attempts at something else do not count
     * @return empty if there is nothing to go on from
     */
    Optional<Request.Resume> fetch(String fingerprint) throws IOException {
        Attempts attempts = read();
        if (attempts.all().isEmpty()) {
            return Optional.empty();
        }
        if (!attempts.fingerprint().equals(fingerprint)) {
            runContext.logger().info("{} had other options or variables: everything is run again.", attempts.last());
            remove();
            return Optional.empty();
        }
        Path folder = RunnerFiles.emptied(runContext.workingDir().path(), FOLDER);
        List<String> results = new ArrayList<>();
        for (String name : attempts.all().stream().flatMap(attempt -> attempt.results().stream()).toList()) {
            try (InputStream content = runContext.storage().getFile(files.uri(name))) {
                Files.copy(content, folder.resolve(name));
            }
            results.add(RunnerFiles.relative(FOLDER) + "/" + name);
        }
        return Optional.of(new Request.Resume(attempts.last(), results));
    }

    /** Keep the results of an attempt that failed; one that has none leaves what was kept before. */
    void keep(String fingerprint, Map<String, URI> artifacts, Instant now) throws IOException {
        List<URI> results = artifacts.entrySet().stream().filter(artifact -> artifact.getKey().matches(EXECUTING))
            .sorted(Map.Entry.comparingByKey((a, b) -> Integer.compare(number(a), number(b)))).map(Map.Entry::getValue).toList();
        if (results.isEmpty() && artifacts.containsKey(RESULTS)) {
            results = List.of(artifacts.get(RESULTS));
        }
        if (results.isEmpty()) {
            return;
        }
        Attempts before = read();
        List<Attempt> all = new ArrayList<>(before.all());
        List<String> names = new ArrayList<>();
        for (URI result : results) {
            String name = "%d-%d.json".formatted(all.size() + 1, names.size() + 1);
            try (InputStream content = runContext.storage().getFile(result)) {
                runContext.storage().putFile(content, files.uri(name));
            }
            names.add(name);
        }
        all.add(new Attempt(AttemptFolder.execution(runContext), now.toString(), names));
        files.write(INDEX, new Attempts(fingerprint, all));
    }

    /** Forget all attempts. */
    void remove() throws IOException {
        if (files.has(INDEX)) {
            List<String> names = read().all().stream().flatMap(attempt -> attempt.results().stream()).toList();
            runContext.storage().deleteFile(files.uri(INDEX));
            for (String name : names) {
                runContext.storage().deleteFile(files.uri(name));
            }
        }
    }

    private Attempts read() throws IOException {
        return files.read(INDEX, Attempts.class).orElseGet(() -> new Attempts("", List.of()));
    }

    private static int number(String artifact) {
        return Integer.parseInt(artifact.substring(0, artifact.indexOf('-')));
    }

    /** All that is known of the attempts. */
    record Attempts(String fingerprint, List<Attempt> all) {
        /** The last one, for people. */
        String last() {
            return "Attempt %d (execution %s, ended %s)".formatted(all.size(), all.getLast().execution(), all.getLast().at());
        }
    }

    /** One of them, with the names of its files. */
    record Attempt(String execution, String at, List<String> results) {}
}
