package io.kestradbt.bridge;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;

/**
 * Reads the output of the runner: events go to the run, every other line to Kestra's own consumer.
 * <p>
 * Task runners call it from two threads at once, and stop reading for good when it throws, which would block the process
 * on a full pipe. So one line is let in at a time, and the first problem is kept for the end. The runner writes events to standard
 * output alone, where it lets nothing else pass for one.
 */
final class EventConsumer extends AbstractLogConsumer {
    /** What Java says to whoever reads from a process that was destroyed meanwhile; a task runner passes it on as a line of the process. */
    private static final String READER_CUT_OFF = "Stream closed";

    private final ReentrantLock lock = new ReentrantLock();
    private final Consumer<Event> events;
    private final AbstractLogConsumer plain;
    private RuntimeException problem;
    private boolean closed;
    private volatile boolean killed;

    EventConsumer(Consumer<Event> events, AbstractLogConsumer plain) {
        this.events = events;
        this.plain = plain;
    }

    @Override
    public void accept(String line, Boolean isStdErr) {
        accept(line, isStdErr, null);
    }

    @Override
    public void accept(String line, Boolean isStdErr, Instant instant) {
        if (line == null || line.isBlank() || killed && line.equalsIgnoreCase(READER_CUT_OFF)) {
            return;
        }
        lock.lock();
        try {
            read(line, isStdErr, instant);
        } catch (RuntimeException | LinkageError e) { // whatever it is, the reader must go on, or the runner blocks
            problem = problem == null ? e instanceof RuntimeException ours ? ours : new IllegalStateException(e) : problem;
        } finally {
            lock.unlock();
        }
    }

    /** Let no more events in: a task runner may still deliver lines when it has returned. */
    void close() {
        lock.lock();
        closed = true;
        lock.unlock();
    }

    /** The process is about to be destroyed: that its output breaks off is no news. */
    void expectKill() {
        killed = true;
    }

    /** The first thing that went wrong while reading. */
    Optional<RuntimeException> problem() {
        return Optional.ofNullable(problem);
    }

    @Override
    public Map<String, Object> getOutputs() {
        return plain.getOutputs();
    }

    @Override
    public int getStdOutCount() {
        return plain.getStdOutCount();
    }

    @Override
    public int getStdErrCount() {
        return plain.getStdErrCount();
    }

    private void read(String line, Boolean isStdErr, Instant instant) {
        Optional<Event> event = isStdErr ? Optional.empty() : Protocol.decode(line);
        if (event.isEmpty()) {
            plain.accept(line, isStdErr, instant);
        } else if (!closed) {
            events.accept(event.get());
        }
    }
}
