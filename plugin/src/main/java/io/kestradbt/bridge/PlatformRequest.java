package io.kestradbt.bridge;

import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.annotation.JsonUnwrapped;

/** What the runner is asked to do on the dbt platform. Mirrors {@code contract/request.schema.json}; the token is in {@link Secrets}. */
public sealed interface PlatformRequest extends Request {
    /**
     * Where it is done.
     *
     * @param host         access URL of the account; null: that of the shared deployment in the US
     * @param accountId    id of the account
     * @param dependencies pip requirements beside what the runner needs
     * @param debug        report each call of the API
     */
    record Account(String host, long accountId, List<String> dependencies, boolean debug) {}

    /**
     * A job, by its id or by names that lead to exactly one; what does not count is null.
     *
     * @param project     name or id
     * @param environment name or id
     */
    record Job(Long id, String name, String project, String environment) {}

    /**
     * How a run is followed, and what is kept of it; null: the runner's default.
     *
     * @param pollS        seconds between two looks at the run
     * @param maxDurationS seconds after which the wait is given up
     * @param onKill       cancel or leave
     * @param compiled     keep compiled SQL too
     * @param tolerant     a run that ended badly is a warning, not a failure
     */
    record Following(Double pollS, Double maxDurationS, String onKill, boolean compiled, boolean tolerant) {
        /** The same, but tolerant or not. */
        public Following tolerant(boolean tolerant) {
            return new Following(pollS, maxDurationS, onKill, compiled, tolerant);
        }
    }

    /**
     * Start a run of a job, exactly once.
     *
     * @param cause     why, for people, or null
     * @param overrides what is to be different from the job, by the platform's own names
     * @param token     identity of what wants the run, the same over all attempts
     * @param link      address of the execution, or null
     * @param reported  runs whose end was reported by earlier attempts
     * @param onRetry   resume or restart; null: resume
     * @param noWait    only start it
     */
    record Trigger(
        @JsonUnwrapped Account account, Job job, String cause, Map<String, Object> overrides, String token, String link, List<Long> reported,
        String onRetry, boolean noWait, Following following
    ) implements PlatformRequest {}

    /**
     * Look at a run, and follow it to its end. It is named by one of the three ids; the others are null.
     *
     * @param jobId         the job whose latest successful run is meant
     * @param environmentId the environment whose latest successful run is meant
     * @param noWait        only tell how it is now
     */
    record Follow(@JsonUnwrapped Account account, Long runId, Long jobId, Long environmentId, boolean noWait, Following following) implements PlatformRequest {}

    /**
     * Retry a failed run from its failure, exactly once.
     *
     * @param reported retries whose end was reported by earlier attempts
     * @param noWait   only start it
     */
    record Retry(
        @JsonUnwrapped Account account, long runId, List<Long> reported, boolean noWait, Following following
    ) implements PlatformRequest {}

    /**
     * Cancel a run.
     *
     * @param noWait only ask for it
     */
    record Cancel(@JsonUnwrapped Account account, long runId, boolean noWait, Following following) implements PlatformRequest {}

    /**
     * Bring artifacts of a run, or of a job's latest run.
     *
     * @param runId    the run, or null
     * @param job      the job, or null
     * @param step     number or part of the name of a step, or null
     * @param patterns glob patterns of paths below target/; none: dbt's own artifacts
     */
    record Artifacts(@JsonUnwrapped Account account, Long runId, Job job, String step, List<String> patterns) implements PlatformRequest {}

    /** List jobs; what is null does not count. */
    record Jobs(@JsonUnwrapped Account account, String project, String environment, String name, Integer limit) implements PlatformRequest {}

    /**
     * List runs; what is null does not count.
     *
     * @param statuses      queued, starting, running, success, error, cancelled
     * @param finishedAfter ISO 8601
     */
    record Runs(
        @JsonUnwrapped Account account, Job job, String project, String environment, List<String> statuses, String finishedAfter, Integer limit
    ) implements PlatformRequest {}
}
