package io.kestradbt.platform;

/** Where a run is, in the platform's own words. */
public enum RunStatus {
    QUEUED, STARTING, RUNNING, SUCCESS, ERROR, CANCELLED
}
