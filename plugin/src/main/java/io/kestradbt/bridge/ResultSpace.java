package io.kestradbt.bridge;

/**
 * What Kestra takes as the result of a task, shared out among the task runs of nodes. A result that is larger fails the task, whatever dbt
 * did, and drops its outputs.
 * <p>
 * An eighth is left for the outputs, and an eighth for nodes that failed, which are what people look for.
 */
final class ResultSpace {
    private static final int SHARES = 8;

    private final long forAll;
    private final long forFailed;
    private long taken;
    private long refused;

    /**
     * @param limit bytes of a result, as JSON
     */
    ResultSpace(long limit) {
        this.forAll = limit / SHARES * (SHARES - 2);
        this.forFailed = limit / SHARES * (SHARES - 1);
    }

    /** Take the room for a task run of this size; false if there is none. */
    boolean take(long bytes, boolean failed) {
        if (taken + bytes > (failed ? forFailed : forAll)) {
            refused++;
            return false;
        }
        taken += bytes;
        return true;
    }

    /** How many had no room. */
    long refused() {
        return refused;
    }
}
