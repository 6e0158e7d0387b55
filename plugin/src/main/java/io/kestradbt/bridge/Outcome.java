package io.kestradbt.bridge;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What a dbt status means to an orchestrator, whatever the resource type. */
public enum Outcome {
    @JsonProperty("success")
    SUCCESS,
    @JsonProperty("warning")
    WARNING,
    @JsonProperty("failed")
    FAILED,
    @JsonProperty("skipped")
    SKIPPED
}
