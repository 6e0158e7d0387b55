package io.kestradbt.core.options;

import io.kestra.core.models.annotations.PluginProperty;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;

/** Retrying nodes within one run of a task. */
public interface RetryNodesOptions {
    @Schema(
        title = "Retry nodes that failed for a reason that may pass",
        description = """
            As a lock or a lost connection, within the run: they are run again with what was skipped because of them, while tests that failed,
            SQL that is wrong and what these hold back are left as they are. The task fails only if something is still undone then. Each try is a row of its own in the Gantt, and `run_results.json`
            has the last result of each node. A `retry` of the task begins when all this is over. Unset: no node is retried."""
    )
    @PluginProperty(group = "execution")
    @Valid
    RetryNodes getRetryNodes();
}
