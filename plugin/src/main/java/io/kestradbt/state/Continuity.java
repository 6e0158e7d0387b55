package io.kestradbt.state;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

import org.slf4j.Logger;

import com.fasterxml.jackson.core.JsonProcessingException;

import io.kestra.core.runners.FilesService;
import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.utils.NamespaceFilesUtils;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestradbt.bridge.Event;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.bridge.Secrets;

/**
 * What a run of one dbt command takes over from earlier ones, and what it leaves for later ones: the state of the project, and the results of
 * attempts that failed.
 */
public final class Continuity {
    private static final String STATE = "state";
    private static final String DEFER_STATE = "defer_state";

    /** Commands after which the project is what its manifest says, and so what a later run compares with. */
    private static final List<String> BUILDING = List.of("build", "run");

    private final RunContext runContext;
    private final Logger logger;
    private final Request.DbtCommand given;
    private final Map<String, StateSource> sources = new LinkedHashMap<>();
    private final Optional<ResumePoint> resumePoint;
    private final String fingerprint;
    private StateKey own;

    /**
     * @param given  what the task asks for, with its properties as they are spelled
     * @param resume whether to go on after attempts that failed
     * @throws IllegalArgumentException if a property is spelled wrongly
     */
    public Continuity(RunContext runContext, Request.DbtCommand given, Secrets secrets, boolean resume) {
        this.runContext = runContext;
        this.logger = runContext.logger();
        this.given = given;
        source(STATE);
        source(DEFER_STATE);
        this.resumePoint = resume ? Optional.of(new ResumePoint(runContext)) : Optional.empty();
        this.fingerprint = fingerprint(given, secrets);
    }

    private void source(String option) {
        if (given.options().get(option) instanceof String text) {
            sources.put(option, StateSource.parse(property(option), text));
        }
    }

    private static String property(String option) {
        return option.equals(DEFER_STATE) ? "deferState" : option;
    }

    /**
     * Bring the files that are needed to know the project, if it has to be known.
     *
     * @return what remains to be brought
     */
    public CommandsWrapper files(CommandsWrapper commands) throws Exception {
        if (sources.values().stream().noneMatch(StateSource.Auto.class::isInstance)) {
            return commands;
        }
        var namespaceFiles = commands.getNamespaceFiles();
        if (namespaceFiles != null && runContext.render(namespaceFiles.getEnabled()).as(Boolean.class).orElse(true)) {
            NamespaceFilesUtils.loadNamespaceFiles(runContext, namespaceFiles);
        }
        if (commands.getInputFiles() != null) {
            FilesService.inputFiles(runContext, commands.getTaskRunner().additionalVars(runContext, commands), commands.getInputFiles());
        }
        return commands.withNamespaceFiles(null).withInputFiles(null);
    }

    /** The request with the folders and files that it takes over, which are in the working directory from now on. */
    public Request.DbtCommand begin(CommandsWrapper commands, Secrets secrets) throws IOException, InterruptedException {
        Map<String, Object> options = new LinkedHashMap<>(given.options());
        List<String> empty = new ArrayList<>();
        for (Map.Entry<String, StateSource> entry : sources.entrySet()) {
            if (!(entry.getValue() instanceof StateSource.Folder)) {
                StateFolder folder = new StateFolder(runContext, entry.getKey());
                try {
                    if (!fetch(entry.getValue(), folder, commands, secrets)) {
                        empty.add(folder.name());
                    }
                } catch (FileNotFoundException e) {
                    throw new IllegalArgumentException("`%s` is %s, and there is no such file: it may have been purged with its execution; `auto` keeps one that is not.\n%s".formatted(
                        property(entry.getKey()), given.options().get(entry.getKey()), e.getMessage()
                    ));
                }
                options.put(entry.getKey(), folder.name());
            }
        }
        Request.DbtCommand request = given.withState(options, empty);
        if (own != null && given.pack()) {
            request = request.withOwnState(new Request.OwnState(own.project(), own.target(), own.branch()));
        }
        return resumePoint.isPresent() ? request.withResume(resumePoint.get().fetch(fingerprint).orElse(null)) : request;
    }

    private boolean fetch(StateSource source, StateFolder folder, CommandsWrapper commands, Secrets secrets) throws IOException, InterruptedException {
        switch (source) {
            case StateSource.Auto auto -> {
                return fetch(auto, folder, new Project(runContext.workingDir().path(), given, commands.getEnv(), secrets.profiles()));
            }
            case StateSource.Stored stored -> folder.fetch(stored.uri(), artifact());
            case StateSource.NamespaceFile file -> folder.fetch(file, artifact());
            case StateSource.Key key -> {
                Object value = store().value(key.key()).orElseThrow(() -> new IllegalArgumentException(
                    "The namespace's KV store has no entry %s: put the `kestra://` URI of a manifest.json there first.".formatted(key.key())
                ));
                KeptState kept = KeptState.of(value).orElseThrow(() -> new IllegalArgumentException(
                    "The entry %s of the namespace's KV store is no state: expected the `kestra://` URI of a manifest.json, or what `state: auto` keeps.".formatted(key.key())
                ));
                if (!folder.fetch(kept)) {
                    throw new IllegalArgumentException("The entry %s of the namespace's KV store names %s, which is gone.".formatted(key.key(), kept.manifest()));
                }
            }
            case StateSource.Folder inPlace -> throw new IllegalStateException(inPlace.path());
        }
        return true;
    }

    private boolean fetch(StateSource.Auto auto, StateFolder folder, Project project) throws IOException, InterruptedException {
        StateKey key = auto.own() ? project.key() : new StateKey(project.name(), auto.target().orElseThrow(), auto.branch().orElse(StateKey.DEFAULT_BRANCH));
        own = auto.own() ? key : own;
        Optional<KeptState> kept = store().find(key);
        if (kept.isPresent() && folder.fetch(kept.get())) {
            logger.info("State: {}, of execution {}, kept {}.", key, kept.get().execution(), kept.get().at());
            return true;
        }
        String none = "No state of " + key + " is kept in this namespace yet: every node counts as new, and nothing is deferred.";
        if (auto.own()) {
            logger.info(none);
        } else {
            logger.warn(none);
        }
        return false;
    }

    private StateStore store() {
        return StateStore.of(runContext);
    }

    /** What the file of a state is. */
    private String artifact() {
        return given.command().getFirst().equals("retry") ? StateFolder.RUN_RESULTS : StateFolder.MANIFEST;
    }

    /** Leave to later runs what they need; a fault of that is told, and changes nothing of how this run ended. */
    public void end(RunResult result, boolean killed) {
        boolean success = result.failure().isEmpty() && !result.stopped() && !killed;
        try {
            if (resumePoint.isPresent() && success) {
                resumePoint.get().remove();
            } else if (resumePoint.isPresent()) {
                resumePoint.get().keep(fingerprint, result.artifacts(), Clock.systemUTC().instant());
            }
            if (success && own != null) {
                promote(result);
            }
        } catch (IOException | RuntimeException e) {
            logger.warn("What later runs could take over was not kept: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void promote(RunResult result) throws IOException, InterruptedException {
        if (!BUILDING.contains(given.command().getFirst()) || result.artifacts().get(StateFolder.MANIFEST) == null) {
            return;
        }
        Event.ProjectLoaded project = result.project().orElseThrow();
        if (!project.project().equals(own.project()) || !project.target().equals(own.target())) {
            logger.warn("The state is not kept: dbt ran project {} on target {}, and the state was to be of {}. Set `target`.", project.project(), project.target(), own);
        } else if (isPart()) {
            logger.info("The state of {} stays as it is: this run was of a part of the project.", own);
        } else {
            new Promotion(runContext).promote(own, result.artifacts());
        }
    }

    /** Whether nodes, or rows, were left out that may have changed; a selection by `state:` leaves out those that have not. */
    private boolean isPart() {
        if (given.options().containsKey("sample") || Boolean.TRUE.equals(given.options().get("empty"))) {
            return true;
        }
        boolean byState = given.options().get("select") instanceof List<?> select && select.stream().anyMatch(entry -> entry.toString().contains("state:"));
        return given.options().containsKey("selector") || given.options().containsKey("select") && !byState;
    }

    /** Tells whether an earlier attempt was at the same; nobody can read from it what the variables are. */
    private static String fingerprint(Request.DbtCommand request, Secrets secrets) {
        Map<String, Object> options = new TreeMap<>(request.options());
        options.remove("threads");
        try {
            return StateKey.hash(JacksonMapper.ofJson().writeValueAsString(List.of(request.command(), options, request.args(), new TreeMap<>(secrets.vars()))));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // they came as JSON
        }
    }
}
