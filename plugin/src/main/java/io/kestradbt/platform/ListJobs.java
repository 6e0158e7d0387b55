package io.kestradbt.platform;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestradbt.bridge.PlatformRequest;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Lists jobs. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "List jobs of the dbt platform",
    description = "As the table `rows`, which opens as a preview: each job with its project, environment, commands, schedule, latest run and page."
)
@Plugin(
    examples = {
        @Example(
            full = true,
            title = "List the jobs of a project.",
            code = """
                id: dbt_platform_jobs
                namespace: company.team

                tasks:
                  - id: jobs
                    type: io.kestradbt.platform.ListJobs
                    host: ab123.us1.dbt.com
                    accountId: "12345"
                    token: "{{ secret('DBT_TOKEN') }}"
                    project: shop
                    name: nightly

                  - id: report
                    type: io.kestra.plugin.core.log.Log
                    message: "{{ outputs.jobs.count }} jobs, see {{ outputs.jobs.rows }}"
                """
        )
    }
)
public class ListJobs extends AbstractPlatform {
    @Schema(title = "Project", description = "Only jobs of this project: its name or id. Unset: of all.")
    @PluginProperty(group = "main")
    private Property<String> project;

    @Schema(title = "Environment", description = "Only jobs of this environment: its name or id. Unset: of all.")
    @PluginProperty(group = "main")
    private Property<String> environment;

    @Schema(title = "Part of the name", description = "Only jobs whose name contains this, in small letters or capitals. Unset: all.")
    @PluginProperty(group = "main")
    private Property<String> name;

    @Schema(title = "Jobs at most", description = "Unset: no limit.")
    @PluginProperty(group = "main")
    private Property<Integer> limit;

    @Override
    protected PlatformRequest request(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException {
        return new PlatformRequest.Jobs(
            account(rendering), rendering.text(project).orElse(null), rendering.text(environment).orElse(null), rendering.text(name).orElse(null),
            rendering.integer("limit", limit, 1).orElse(null)
        );
    }
}
