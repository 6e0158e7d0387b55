package io.kestradbt.graph;

import java.util.Map;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.kestradbt.task.Options;
import io.kestradbt.task.Rendering;
import io.swagger.v3.oas.annotations.media.Schema;

/** How a flow of a project is cut and named. */
public interface FlowOptions {
    @Schema(title = "Id of the flow that is written", description = "Unset: the project's name.")
    @PluginProperty(group = "main")
    Property<String> getFlowId();

    @Schema(title = "Namespace of the flow that is written", description = "Unset: that of this flow.")
    @PluginProperty(group = "main")
    Property<String> getNamespace();

    @Schema(title = "Tasks of the graph at a time", description = "0: no limit. DuckDB takes one writing process, so `1`. Unset: 4.")
    @PluginProperty(group = "main")
    Property<Integer> getConcurrent();

    @Schema(
        title = "What one task holds",
        description = """
            - `MODEL`: a model, seed or snapshot.
            - `FOLDER`: a folder.
            - `LAYER`: a first folder below `models`.
            - `PACKAGE`: a package.
            - `TAG`: what has the same first tag, in alphabetical order; nodes without one share `untagged`.

            Unset: `MODEL`. Above some hundred tasks Kestra itself becomes slow: the log says it."""
    )
    @PluginProperty(group = "main")
    Property<Granularity> getGranularity();

    @Schema(
        title = "Where tests run",
        description = """
            - `INSIDE`: in the task of what they test, and hold back what is below, as in `dbt build`.
            - `OWN`: in tasks of their own. What is below waits for them.
            - `END`: all in one task, after all that they are about; they hold back nothing.

            Unset: `INSIDE`."""
    )
    @PluginProperty(group = "main")
    Property<TestPlace> getTests();

    @Schema(
        title = "Sources hold back what reads them",
        description = "Sources with freshness criteria become tasks; with a selection, those that it includes. Unset or `false`: they do not."
    )
    @PluginProperty(group = "main")
    Property<Boolean> getFreshnessGates();

    @Schema(title = "Show exposures", description = "They are leaves that run nothing: the Topology shows what is fed. Unset or `false`: they are left out.")
    @PluginProperty(group = "main")
    Property<Boolean> getExposures();

    @Schema(title = "Address of the project's documentation", description = "Each task's description then links to its page. Unset: no links.")
    @PluginProperty(group = "main")
    Property<String> getDocsUrl();

    @Schema(
        title = "Your own properties",
        description = """
            Maps of properties by `flow`, `prepare`, `node` and `collect`: added to the flow that is written, and to its `Prepare`, every `Node` and `Collect`.
            Nothing in it is rendered here: expressions are for that flow. Unset: `Prepare` takes the project from the files of the namespace."""
    )
    @PluginProperty(group = "main")
    Map<String, Object> getSettings();

    @Schema(title = "File with your own properties", description = "YAML with what `settings` has otherwise, relative to the working directory: a part of the project. Unset: none.")
    @PluginProperty(group = "main")
    Property<String> getSettingsFile();

    /** As a request has them. */
    default Map<String, Object> flowOptions(Rendering rendering) throws IllegalVariableEvaluationException {
        Options options = new Options(rendering)
            .text("flowId", getFlowId())
            .text("namespace", getNamespace())
            .integer("concurrent", getConcurrent(), 0)
            .constant("granularity", getGranularity(), Granularity.class)
            .constant("tests", getTests(), TestPlace.class)
            .bool("freshnessGates", getFreshnessGates())
            .bool("exposures", getExposures())
            .text("docsUrl", getDocsUrl());
        if (getSettings() != null) {
            options.always("settings", getSettings());
        }
        return options.values();
    }

    /** What one task holds. */
    enum Granularity {
        MODEL, FOLDER, LAYER, PACKAGE, TAG
    }

    /** Where tests run. */
    enum TestPlace {
        INSIDE, OWN, END
    }
}
