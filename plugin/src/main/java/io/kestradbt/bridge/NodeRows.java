package io.kestradbt.bridge;

/** How nodes become rows of the Gantt, which are task runs to Kestra. */
public enum NodeRows {
    /** Each under its own name, in its own state. */
    NODES,

    /** Likewise, but no node is FAILED at last, so that Kestra's restart of the execution works. */
    RESTARTABLE,

    /**
     * None: the task stands for its nodes, and their lines are in its own log. Kestra (1.3.31, 2.0.0) restarts an execution with such rows once, but
     * not again; and 1.3.31 fails on rows that are named after their task.
     */
    LOG,

    /** None, nor is anything told of nodes as they come: others have done that. */
    NONE;

    boolean are() {
        return this == NODES || this == RESTARTABLE;
    }
}
