package io.kestradbt.bridge;

import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/** What the runner is asked to do. Mirrors {@code contract/request.schema.json}; holds nothing secret. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
    @JsonSubTypes.Type(name = "dbt_command", value = Request.DbtCommand.class),
    @JsonSubTypes.Type(name = "shell_script", value = Request.ShellScript.class),
    @JsonSubTypes.Type(name = "set_up", value = Request.SetUp.class),
    @JsonSubTypes.Type(name = "graph_node", value = GraphRequest.Node.class),
    @JsonSubTypes.Type(name = "graph_collect", value = GraphRequest.Collect.class),
    @JsonSubTypes.Type(name = "graph_flow", value = GraphRequest.Flow.class),
    @JsonSubTypes.Type(name = "platform_trigger", value = PlatformRequest.Trigger.class),
    @JsonSubTypes.Type(name = "platform_follow", value = PlatformRequest.Follow.class),
    @JsonSubTypes.Type(name = "platform_retry", value = PlatformRequest.Retry.class),
    @JsonSubTypes.Type(name = "platform_cancel", value = PlatformRequest.Cancel.class),
    @JsonSubTypes.Type(name = "platform_artifacts", value = PlatformRequest.Artifacts.class),
    @JsonSubTypes.Type(name = "platform_jobs", value = PlatformRequest.Jobs.class),
    @JsonSubTypes.Type(name = "platform_runs", value = PlatformRequest.Runs.class)
})
public sealed interface Request permits Request.DbtCommand, Request.ShellScript, Request.SetUp, GraphRequest, PlatformRequest {
    /** Version of the contract. */
    @JsonProperty("version")
    default String version() {
        return Protocol.VERSION;
    }

    /**
     * Run one dbt command in process.
     *
     * @param command      with its subcommand, as {@code ["docs", "generate"]}
     * @param options      dbt's own options, each named as its flag with underscores
     * @param args         more arguments, passed as they are
     * @param engine       AUTO, CORE or FUSION; null for AUTO
     * @param dependencies pip requirements, installed if the interpreter has no dbt
     * @param debug        report dbt's debug lines too
     * @param generateDocs after a success, also write the documentation
     * @param judgement    what counts as a success, or null
     * @param retryNodes   retry nodes within the run, or null
     * @param emptyStates  folders of an earlier state that the runner makes, as of a project without nodes
     * @param resume       earlier attempts of which what they did is left out, or null
     * @param pack         of {@code parse}: pack the project with what was parsed
     * @param ownState     of a pack: the state that is replaced once all of the project was run, or null
     */
    record DbtCommand(
        List<String> command, Map<String, Object> options, List<String> args, String engine, List<String> dependencies, boolean debug,
        boolean generateDocs, Judgement judgement, RetryNodes retryNodes, List<String> emptyStates, Resume resume, boolean pack,
        OwnState ownState
    ) implements Request {
        /** The same with other options and folders of a state. */
        public DbtCommand withState(Map<String, Object> options, List<String> emptyStates) {
            return new DbtCommand(command, options, args, engine, dependencies, debug, generateDocs, judgement, retryNodes, emptyStates, resume, pack, ownState);
        }

        /** The same, with the project packed. */
        public DbtCommand packed() {
            return new DbtCommand(command, options, args, engine, dependencies, debug, generateDocs, judgement, retryNodes, emptyStates, resume, true, ownState);
        }

        /** The same, packed for a graph that replaces this state. */
        public DbtCommand withOwnState(OwnState ownState) {
            return new DbtCommand(command, options, args, engine, dependencies, debug, generateDocs, judgement, retryNodes, emptyStates, resume, pack, ownState);
        }

        /** The same, to go on after these attempts. */
        public DbtCommand withResume(Resume resume) {
            return new DbtCommand(command, options, args, engine, dependencies, debug, generateDocs, judgement, retryNodes, emptyStates, resume, pack, ownState);
        }
    }

    /**
     * Whose state it is that later runs compare with.
     *
     * @param project name of the project
     * @param target  of the profile
     * @param branch  of the git clone that the project is in
     */
    record OwnState(String project, String target, String branch) {}

    /**
     * Retry nodes that failed for a reason that may pass; null stands for a default.
     *
     * @param attempts retries at most
     * @param backoffS seconds before the first one
     * @param reasons  connection, lock, timeout, quota
     */
    record RetryNodes(Integer attempts, @JsonInclude(JsonInclude.Include.NON_NULL) Double backoffS, List<String> reasons) {}

    /**
     * Earlier attempts at the same command.
     *
     * @param after   the last of them, for people
     * @param results their run results, relative to the working directory, in the order of time
     */
    record Resume(String after, List<String> results) {}

    /**
     * Run the script of {@link Secrets} with each {@code dbt} in it reported as a {@link DbtCommand} is.
     *
     * @param interpreter  program that runs the script, with its arguments
     * @param projectDir   folder of the dbt project, or null
     * @param engine       AUTO, CORE or FUSION; null for AUTO
     * @param dependencies pip requirements, installed if the interpreter has no dbt
     * @param debug        report dbt's debug lines too
     * @param judgement    what counts as a success, or null
     */
    record ShellScript(
        List<String> interpreter, String projectDir, String engine, List<String> dependencies, boolean debug, Judgement judgement
    ) implements Request {}

    /**
     * Make a virtual environment in the working directory, and the profiles of {@link Secrets} beside it.
     *
     * @param requirements for pip
     */
    record SetUp(List<String> requirements, boolean debug) implements Request {}

    /**
     * What a run that dbt calls good comes to if there was nothing to do, or dbt warned.
     *
     * @param onEmpty  warn, fail or allow; null: warn
     * @param warnings which make it a warning: none, nodes, deprecations or all; null: nodes
     */
    record Judgement(String onEmpty, String warnings) {
        /** Null if nothing is said. */
        public static Judgement of(String onEmpty, String warnings) {
            return onEmpty == null && warnings == null ? null : new Judgement(onEmpty, warnings);
        }
    }
}
