package io.kestradbt.bridge;

import java.time.Clock;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

class VerdictTest {
    private final Run run = new Run(new RecordingSink(), Clock.systemUTC());
    private final Verdict verdict = new Verdict("python3", false);

    @Test
    void shouldFindNothingWrongWithARunThatEndedWell() {
        run.accept(ended(Outcome.WARNING));

        assertThat(verdict.failure(run, 0)).isEmpty();
    }

    @Test
    void shouldSayWhatTheRunnerSaid() {
        run.accept(new Event.Failure("nodes", "1 of 3 nodes failed.", "model.a: no such table"));
        run.accept(ended(Outcome.FAILED));

        assertThat(verdict.failure(run, 1)).contains("1 of 3 nodes failed.\nmodel.a: no such table");
    }

    @Test
    void shouldFailEvenIfTheRunnerDoesNotSayWhy() {
        run.accept(ended(Outcome.FAILED));

        assertThat(verdict.failure(run, 0)).get().asString().contains("exit code 1");
    }

    @Test
    void shouldNotTrustAProcessThatFailedAfterwards() {
        run.accept(ended(Outcome.SUCCESS));

        assertThat(verdict.failure(run, 3)).get().asString().contains("exit code 3");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "137, lack of memory", "143, told to stop", "139, native code", "130, signal 2", "1, last lines of the log"
    })
    void shouldSayWhatMayHaveEndedARunThatDied(int exitCode, String words) {
        run.accept(Nodes.started(1, "model.a", null));
        run.close(false);

        assertThat(verdict.failure(run, exitCode)).get().asString()
            .startsWith("The runner ended without reporting a result (exit code " + exitCode + "): ")
            .contains(words)
            .endsWith("\nRunning at that time: model.a");
    }

    @Test
    void shouldSayThatPythonIsMissing() {
        assertThat(verdict.failure(run, 127)).get().asString().startsWith("`python3` was not found").contains("`pythonPath`", "image");
        assertThat(verdict.failure(run, 126)).get().asString().contains("`python3` cannot be executed");
        assertThat(verdict.failure(run, 1)).get().asString().contains("`python3` may be older than Python 3.10");
    }

    @Test
    void shouldNotBlamePythonAloneAfterOtherCommands() {
        Verdict afterOthers = new Verdict("python3", true);

        assertThat(afterOthers.failure(run, 127)).get().asString().contains("`beforeCommands`", "`python3`");
        assertThat(afterOthers.failure(run, 2)).get().asString().contains("`beforeCommands`", "`python3`");
    }

    private static Event.Ended ended(Outcome outcome) {
        return new Event.Ended(outcome, 1, null, null);
    }
}
