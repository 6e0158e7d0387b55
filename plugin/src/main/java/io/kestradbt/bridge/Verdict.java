package io.kestradbt.bridge;

import java.util.Optional;

/** Decides why a run failed, if it did, from what it said and how its process ended. */
final class Verdict {
    private static final int NOT_EXECUTABLE = 126;
    private static final int NOT_FOUND = 127;
    private static final int SIGNALS = 128;
    private static final int KILLED = 137;
    private static final int CRASHED = 139;
    private static final int TERMINATED = 143;

    private final String python;
    private final boolean beforeCommands;

    /**
     * @param python         the interpreter as the user names it
     * @param beforeCommands whether other commands came before it
     */
    Verdict(String python, boolean beforeCommands) {
        this.python = python;
        this.beforeCommands = beforeCommands;
    }

    /** One sentence, then what there is to say about it on further lines; empty if the run ended well. */
    Optional<String> failure(Run run, int exitCode) {
        if (run.ended().isEmpty()) {
            return Optional.of(run.failure().map(Verdict::text).orElseGet(() -> died(run, exitCode)));
        }
        Event.Ended ended = run.ended().get();
        if (ended.outcome() == Outcome.FAILED) {
            return Optional.of(run.failure().map(Verdict::text).orElse("dbt failed with exit code %d; its log says why.".formatted(ended.exitCode())));
        }
        if (exitCode != 0) {
            return Optional.of("dbt ended well, but the process that ran it then failed with exit code %d.".formatted(exitCode));
        }
        return Optional.empty();
    }

    private static String text(Event.Failure failure) {
        String detail = failure.detail();
        return detail == null || detail.isBlank() ? failure.sentence() : failure.sentence() + "\n" + detail;
    }

    private String died(Run run, int exitCode) {
        if (!run.heard() && exitCode == NOT_FOUND) {
            return notFound();
        }
        if (!run.heard() && exitCode == NOT_EXECUTABLE) {
            return "`%s` cannot be executed (exit code 126): set `pythonPath` to a Python interpreter.".formatted(python);
        }
        String sentence = "The runner ended without reporting a result (exit code %d): %s.".formatted(exitCode, cause(run, exitCode));
        return run.unfinished().isEmpty() ? sentence : sentence + "\nRunning at that time: " + String.join(", ", run.unfinished());
    }

    private String notFound() {
        return beforeCommands
            ? "A command was not found (exit code 127), one of `beforeCommands` or `%s`; the log names it.".formatted(python)
            : "`%s` was not found (exit code 127): set `pythonPath`, or use a task runner with an image that has Python 3.10 or newer.".formatted(python);
    }

    private String cause(Run run, int exitCode) {
        if (exitCode == KILLED) {
            return "it was killed, often for lack of memory";
        }
        if (exitCode == TERMINATED) {
            return "it was told to stop from outside";
        }
        if (exitCode == CRASHED) {
            return "it crashed in native code, often that of a database driver";
        }
        if (exitCode > SIGNALS) {
            return "it was ended by signal %d".formatted(exitCode - SIGNALS);
        }
        if (run.heard()) {
            return "the last lines of the log may say why";
        }
        return (beforeCommands ? "one of `beforeCommands` failed, or `%s` is older than Python 3.10" : "`%s` may be older than Python 3.10")
            .formatted(python) + "; the log says more";
    }
}
