package io.kestradbt.bridge;

import java.util.List;
import java.util.Map;

/** What the runner is asked to do with a project that is a graph of tasks: with a packed part, with the results of all parts, with its flow. Mirrors {@code contract/request.schema.json}. */
public sealed interface GraphRequest extends Request {
    /**
     * Run some nodes of a packed project.
     *
     * @param pack         the pack, relative to the working directory
     * @param nodes        dbt's ids
     * @param options      dbt's own options, each named as its flag with underscores
     * @param args         more arguments, passed as they are
     * @param engine       AUTO, CORE or FUSION; null for AUTO
     * @param dependencies pip requirements, installed if the interpreter has no dbt
     * @param debug        report dbt's debug lines too
     * @param judgement    what counts as a success, or null
     */
    record Node(
        String pack, List<String> nodes, Map<String, Object> options, List<String> args, String engine, List<String> dependencies, boolean debug,
        Request.Judgement judgement
    ) implements GraphRequest {}

    /**
     * Make one run of the results of all parts.
     *
     * @param pack         the pack, relative to the working directory
     * @param parts        in the order in which they ended
     * @param nodes        dbt's ids of all nodes of the graph; none: those that have a result
     * @param exclude      dbt's ids of nodes that the graph leaves out on purpose
     * @param generateDocs write the documentation too
     * @param engine       for the documentation: AUTO, CORE or FUSION; null for AUTO
     * @param dependencies for the documentation: pip requirements, installed if the interpreter has no dbt
     * @param debug        report dbt's debug lines too
     * @param judgement    what counts as a success, or null
     */
    record Collect(
        String pack, List<Part> parts, List<String> nodes, List<String> exclude, boolean generateDocs, String engine, List<String> dependencies, boolean debug,
        Request.Judgement judgement
    ) implements GraphRequest {
        /** The same of these parts. */
        public Collect of(List<Part> parts) {
            return new Collect(pack, parts, nodes, exclude, generateDocs, engine, dependencies, debug, judgement);
        }
    }

    /**
     * Write the flow of a project, and put it on a Kestra server.
     *
     * @param manifest     a manifest.json instead of a project, relative to the working directory, or null
     * @param options      dbt's own options, each named as its flag with underscores
     * @param args         more arguments of {@code dbt ls}, passed as they are
     * @param flow         how the flow is cut and named
     * @param settingsFile YAML with people's own properties, relative to the working directory, or null
     * @param deployTo     address of the Kestra server, or null
     * @param tenant       of that server; null: main
     * @param engine       AUTO, CORE or FUSION; null for AUTO
     * @param dependencies pip requirements, installed if the interpreter has no dbt
     * @param debug        report dbt's debug lines too
     * @param judgement    what counts as a success, or null
     */
    record Flow(
        String manifest, Map<String, Object> options, List<String> args, Map<String, Object> flow, String settingsFile, String deployTo, String tenant,
        String engine, List<String> dependencies, boolean debug, Request.Judgement judgement
    ) implements GraphRequest {}

    /**
     * What a task of the graph left.
     *
     * @param task  id of the task
     * @param files its results, relative to the working directory
     */
    record Part(String task, List<String> files) {}
}
