package io.kestradbt.platform;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.PlatformRequest;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.bridge.Secrets;
import io.kestradbt.task.Rendering;
import io.kestradbt.task.RunnerTask;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Any task that asks something of the dbt platform. A subclass says what. */
@SuperBuilder
@ToString
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
public abstract class AbstractPlatform extends RunnerTask<PlatformOutput>
    implements RunnableTask<PlatformOutput>, PlatformConnection { // RunnableTask once more: Kestra looks for the outputs here

    private static final String IMAGE = "python:3.13-slim";

    protected Property<String> host;

    protected Property<String> accountId;

    @ToString.Exclude
    protected Property<String> token;

    @Schema(
        title = "Container image",
        description = "Only for a task runner that starts containers. It must have Python 3.10 or newer; dbt is not needed. Unset: `python:3.13-slim`."
    )
    @PluginProperty(group = "execution")
    protected Property<String> containerImage;

    @Schema(
        title = "More Python packages",
        description = """
            pip requirements, as `truststore`. The runner needs httpx and pydantic; where the interpreter lacks them or one of these, they go into a virtual
            environment, which is kept and used again. Unset: none."""
    )
    @PluginProperty(group = "execution")
    protected Property<List<String>> dependencies;

    @Schema(
        title = "Time to stop in",
        description = """
            On a kill or a `timeout`, the run is cancelled and waited for until it has ended; after this time the task ends all the same, and says so. Needs a
            task runner that shares the working directory with the worker, as a process does."""
    )
    @PluginProperty(group = "execution")
    @Builder.Default
    @NotNull
    protected Property<Duration> killGrace = Property.ofValue(Duration.ofSeconds(60));

    /** What the runner is to do. */
    protected abstract PlatformRequest request(RunContext runContext, Rendering rendering) throws IllegalVariableEvaluationException, IOException;

    /** The runner has done it, one way or another. */
    protected void ended(RunContext runContext, PlatformRequest request, RunResult result) {
    }

    @Override
    protected RunResult carryOut(RunContext runContext, Rendering rendering, CommandsWrapper commands, Consumer<Event> listener) throws Exception {
        PlatformRequest request = request(runContext, rendering);
        String secret = rendering.text(token).map(String::strip)
            .orElseThrow(() -> new IllegalArgumentException("`token` is empty: give it an API token of the dbt platform."));
        RunResult result = runner(runContext, rendering, commands).run(request, Secrets.ofPlatform(secret), listener);
        ended(runContext, request, result);
        return result;
    }

    /** A restart takes over or resumes the run: nodes that failed must not keep Kestra from it. */
    @Override
    protected boolean restartable(Rendering rendering) {
        return true;
    }

    @Override
    protected PlatformOutput output(Rendering rendering, RunResult result) {
        return byFormerName() ? PlatformOutput.former(result) : PlatformOutput.of(result);
    }

    @Override
    protected String defaultImage(Rendering rendering) {
        return IMAGE;
    }

    /** The access URL as the flow has it, or null. */
    protected String host(Rendering rendering) throws IllegalVariableEvaluationException {
        return rendering.text(host).map(String::strip).orElse(null);
    }

    /** Where it is done. */
    protected final PlatformRequest.Account account(Rendering rendering) throws IllegalVariableEvaluationException {
        return new PlatformRequest.Account(
            host(rendering), id(rendering, "accountId", accountId), rendering.list("dependencies", dependencies),
            rendering.bool("debug", getDebug()).orElse(false)
        );
    }

    /** An id that there has to be. */
    protected static long id(Rendering rendering, String name, Property<String> property) throws IllegalVariableEvaluationException {
        return rendering.id(name, property).orElseThrow(() -> new IllegalArgumentException("`%s` is empty: it has to be an id, which is a number.".formatted(name)));
    }
}
