package io.kestradbt.platform;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.bridge.PlatformRequest;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;

/** How a job is named. */
public interface JobOptions {
    @Schema(title = "Id of the job", description = "The number in the address of the job's page. `jobName` is not looked at then. Unset: the job is known by its name.")
    @PluginProperty(group = "main")
    Property<String> getJobId();

    @Schema(
        title = "Name of the job",
        description = "The whole name. Together with `project` and `environment` it has to lead to one job. Unset: the job is known by its id."
    )
    @PluginProperty(group = "main")
    Property<String> getJobName();

    @Schema(title = "Project", description = "Name or id of the project that the job is in. Unset: any.")
    @PluginProperty(group = "main")
    Property<String> getProject();

    @Schema(title = "Environment", description = "Name or id of the environment that the job is in. Unset: any.")
    @PluginProperty(group = "main")
    Property<String> getEnvironment();

    /** The job that is named; null if none is. */
    default PlatformRequest.Job job(Rendering rendering) throws IllegalVariableEvaluationException {
        Long id = rendering.id("jobId", getJobId()).orElse(null);
        String name = rendering.text(getJobName()).orElse(null);
        return id == null && name == null ? null
            : new PlatformRequest.Job(id, name, rendering.text(getProject()).orElse(null), rendering.text(getEnvironment()).orElse(null));
    }
}
