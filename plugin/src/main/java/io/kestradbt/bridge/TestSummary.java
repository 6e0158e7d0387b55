package io.kestradbt.bridge;

/** Data tests and unit tests of a run, counted by dbt's statuses. Named and shaped as an output of Kestra's own dbt plugin. */
public record TestSummary(long total, long pass, long fail, long warn, long error, long skipped) {}
