package io.kestradbt.core.options;

/** Which warnings of dbt make a task a WARNING; each has those of the one before it. */
public enum Warnings {
    NONE, NODES, DEPRECATIONS, ALL
}
