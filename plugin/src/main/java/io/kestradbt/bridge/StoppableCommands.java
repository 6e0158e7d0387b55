package io.kestradbt.bridge;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.BooleanSupplier;

import org.slf4j.Logger;

import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;

/**
 * Runs commands so that an interrupt stops them gracefully.
 * <p>
 * Task runners kill hard when the thread that waits for them is interrupted. So they wait on a thread of its own, and an interrupt of the
 * task asks the Python runner to stop: its events, artifacts and files come back as ever. Only if that does not help, the task runner has
 * its way. The interrupt is used up by this, as if it had been thrown: what remains to be done works as ever.
 */
final class StoppableCommands {
    /** In which a runner that shares the working directory has seen that it is to stop. */
    private static final Duration UNTIL_SEEN = Duration.ofSeconds(5);

    /** On top of the grace: to verify that all is gone, and to collect artifacts. */
    private static final Duration TO_REPORT = Duration.ofSeconds(5);

    /** Once all is reported: to bring the files in. */
    private static final Duration TO_UPLOAD = Duration.ofMinutes(2);

    private static final Duration TO_KILL = Duration.ofSeconds(10);

    private static final Duration LOOK_EVERY = Duration.ofMillis(50);

    private final CommandsWrapper commands;
    private final Duration grace;
    private final BooleanSupplier reported;
    private final Runnable beforeKill;
    private final Logger logger;
    private boolean stopped;

    /**
     * @param grace      between asking for a stop and killing
     * @param reported   whether the runner has told its end
     * @param beforeKill called when the task runner is going to have its way
     */
    StoppableCommands(CommandsWrapper commands, Duration grace, BooleanSupplier reported, Runnable beforeKill, Logger logger) {
        this.commands = commands;
        this.grace = grace;
        this.reported = reported;
        this.beforeKill = beforeKill;
        this.logger = logger;
    }

    /** Run them to their end, by themselves or after an interrupt. */
    ScriptOutput run() throws Exception {
        FutureTask<ScriptOutput> work = new FutureTask<>(commands::run);
        Thread thread = Thread.ofVirtual().name("kestra-dbt").start(work);
        try {
            return resultOf(work);
        } catch (InterruptedException e) {
            stopped = true;
            if (!stop(thread)) {
                throw new IllegalStateException("The task runner could not be stopped: what it started may still run.");
            }
            return resultOf(work);
        }
    }

    /** Whether they were interrupted. */
    boolean stopped() {
        return stopped;
    }

    private boolean stop(Thread thread) throws IOException {
        RunnerFiles.askToStop(commands.getWorkingDirectory(), grace);
        if (ends(thread, UNTIL_SEEN, this::seen)) {
            return true;
        }
        if (seen() && (ends(thread, grace.plus(TO_REPORT), reported) || reported.getAsBoolean() && ends(thread, TO_UPLOAD, () -> false))) {
            return true;
        }
        logger.warn("The runner {}: it is killed.", seen() ? "did not end within its grace" : "cannot be reached, or has not started yet");
        beforeKill.run();
        commands.getTaskRunner().kill();
        thread.interrupt();
        return ends(thread, TO_KILL, () -> false);
    }

    private boolean seen() {
        return RunnerFiles.hasSeenStop(commands.getWorkingDirectory());
    }

    /** Wait for the thread's end, until the limit or until there is no more need to; a further interrupt changes nothing. */
    private static boolean ends(Thread thread, Duration limit, BooleanSupplier enough) {
        Instant deadline = Instant.now().plus(limit);
        while (thread.isAlive() && !enough.getAsBoolean() && Instant.now().isBefore(deadline)) {
            try {
                thread.join(LOOK_EVERY);
            } catch (InterruptedException e) {
                // The stop it asks for is under way.
            }
        }
        return !thread.isAlive();
    }

    private static ScriptOutput resultOf(FutureTask<ScriptOutput> work) throws Exception {
        try {
            return work.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }
}
