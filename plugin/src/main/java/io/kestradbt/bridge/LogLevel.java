package io.kestradbt.bridge;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.slf4j.event.Level;

/** Severity of a log line of the runner. */
public enum LogLevel {
    @JsonProperty("debug")
    DEBUG,
    @JsonProperty("info")
    INFO,
    @JsonProperty("warn")
    WARN,
    @JsonProperty("error")
    ERROR;

    /** The same severity in the words of Kestra's logger. */
    public Level slf4j() {
        return Level.valueOf(name());
    }
}
