package io.kestradbt.bridge;

/** How nodes become rows of the Gantt, which are task runs to Kestra. */
public enum NodeRows {
    /** Each under its own name, in its own state. */
    NODES,

    /** Likewise, but no node is FAILED at last, so that Kestra's restart of the execution works. */
    RESTARTABLE,

    /**
     * Likewise, and each under the name of the task, with its id as the value. After a restart or a replay Kestra takes them for task runs of
     * a task of that name, so that there has to be one: only then the execution can be restarted again and again.
     */
    OF_THE_TASK,

    /** None: others have made them. */
    NONE;

    boolean restartable() {
        return this == RESTARTABLE || this == OF_THE_TASK;
    }
}
