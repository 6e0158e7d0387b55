package io.kestradbt.core.options;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;

/** Going on after attempts that failed. */
public interface ResumeOptions {
    @Schema(
        title = "Go on where an attempt that failed has stopped",
        description = """
            After a `retry` of the task, a restart or a replay, also on another worker: nodes that earlier attempts did are not run again, those that
            failed, were skipped or had not begun are, as `dbt retry` does. The first attempt, one after a success, and one whose options or variables
            differ are ordinary runs. So that Kestra can restart the execution, nodes that failed are shown as WARNING under the failed task.
            Unset or `false`: every attempt runs all that is selected, and an execution with failed nodes can be replayed, not restarted."""
    )
    @PluginProperty(group = "execution")
    Property<Boolean> getResume();
}
