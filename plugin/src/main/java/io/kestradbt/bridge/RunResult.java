package io.kestradbt.bridge;

import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a run leaves behind, whether it ended well or not.
 *
 * @param exitCode    of the dbt command or the script; of the process if the run died
 * @param artifacts   files to keep, each by the name that users look it up by
 * @param outputFiles other files that came back
 * @param vars        values that the script gave in Kestra's own format
 * @param summary     the run in figures
 * @param runSummary  all nodes but tests, in the figures of Kestra's own plugin
 * @param testSummary all tests, in the figures of Kestra's own plugin
 * @param failed      nodes that failed, by dbt's ids
 * @param count       rows of the table that was asked for; empty if none was
 * @param project     as dbt read it; empty if it did not come to that
 * @param links       addresses for people, by what they lead to
 * @param platformRun the run on the dbt platform as it was told last; empty if there is none
 * @param promotion   what becomes of the state that later runs compare with; empty if that is not for the run to say
 * @param flow        the flow that was written; empty if none was
 * @param warning     whether it ended with a warning
 * @param stopped     whether it was told to stop
 * @param failure     why it failed; empty if it did not
 */
public record RunResult(
    int exitCode, Map<String, URI> artifacts, Map<String, URI> outputFiles, Map<String, Object> vars,
    Summary summary, RunSummary runSummary, TestSummary testSummary, List<String> failed, Optional<Long> count,
    Optional<Event.ProjectLoaded> project, Map<String, String> links, Optional<Event.PlatformRun> platformRun,
    Optional<Event.Promotion> promotion, Optional<Event.FlowWritten> flow, boolean warning, boolean stopped, Optional<String> failure
) {
    /** Whether it came to its end, and no node failed on the way, not even one that a script went over. */
    public boolean allWentWell() {
        return failure.isEmpty() && !stopped && failed.isEmpty();
    }

    /** The same, with this as the reason why it failed after all. */
    public RunResult failedBecause(String reason) {
        return new RunResult(
            exitCode, artifacts, outputFiles, vars, summary, runSummary, testSummary, failed, count, project, links, platformRun, promotion, flow, warning, stopped,
            Optional.of(reason)
        );
    }
}
