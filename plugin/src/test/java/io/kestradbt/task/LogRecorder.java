package io.kestradbt.task;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import org.slf4j.LoggerFactory;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;

/** Keeps what tasks log: Kestra forwards each line to the server's log, to a logger named after flow and task. */
public final class LogRecorder extends AppenderBase<ILoggingEvent> implements AutoCloseable {
    private static final Logger FLOWS = (Logger) LoggerFactory.getLogger("flow");

    private final List<ILoggingEvent> events = new CopyOnWriteArrayList<>();
    private final Level before = FLOWS.getLevel();

    public LogRecorder() {
        setContext(FLOWS.getLoggerContext());
        start();
        FLOWS.setLevel(Level.TRACE);
        FLOWS.setAdditive(false);
        FLOWS.addAppender(this);
    }

    @Override
    protected void append(ILoggingEvent event) {
        events.add(event);
    }

    /** {@code INFO text} of the task or node with this id. */
    public List<String> of(String taskId) {
        return events.stream().filter(event -> event.getLoggerName().endsWith("." + taskId)).map(LogRecorder::line).toList();
    }

    public List<String> all() {
        return events.stream().map(LogRecorder::line).toList();
    }

    public List<ILoggingEvent> events() {
        return events;
    }

    @Override
    public void close() {
        FLOWS.detachAppender(this);
        FLOWS.setAdditive(true);
        FLOWS.setLevel(before);
    }

    private static String line(ILoggingEvent event) {
        return event.getLevel() + " " + event.getFormattedMessage();
    }
}
