package io.kestradbt.state;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

import com.fasterxml.jackson.core.type.TypeReference;

import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.storages.Storage;
import io.kestra.core.storages.StorageContext;
import io.kestra.core.utils.Slugify;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunnerFiles;

/**
 * The run results of a task's attempts that failed, for a next one to go on from: after a retry, a restart or a replay, on any worker.
 * <p>
 * They are among the files of the execution, and go with these. A replay finds those of the execution that it replays.
 */
final class ResumePoint {
    private static final String FOLDER = "resume";
    private static final String INDEX = "attempts.json";
    private static final String RESULTS = StateFolder.RUN_RESULTS;

    /** In the order of time, with those of a documentation step left out: it looks at nodes that it does not execute. */
    private static final String EXECUTING = "\\d+-(build|run|test|seed|snapshot|retry)/" + RESULTS;

    private final RunContext runContext;
    private final String base;

    ResumePoint(RunContext runContext) {
        this.runContext = runContext;
        RunContext.FlowInfo flow = runContext.flowInfo();
        Map<String, Object> variables = runContext.getVariables();
        String execution = Stream.of("originalId", "id").map(name -> at(variables, "execution", name)).filter(Objects::nonNull).findFirst()
            .map(Object::toString).orElseThrow();
        String task = Slugify.of(String.valueOf(at(variables, "task", "id"))) + "-" + StateKey.hash(iteration(variables)).substring(0, 12);
        this.base = StorageContext.forExecution(flow.tenantId(), flow.namespace(), flow.id(), execution).getExecutionStorageURI("kestra") + "/dbt-resume/" + task + "/";
    }

    /**
     * Fetch the attempts before into the working directory.
     *
     * @param fingerprint of what is to be run: attempts at something else do not count
     * @return empty if there is nothing to go on from
     */
    Optional<Request.Resume> fetch(String fingerprint) throws IOException {
        Attempts attempts = read();
        if (attempts.all().isEmpty()) {
            return Optional.empty();
        }
        if (!attempts.fingerprint().equals(fingerprint)) {
            runContext.logger().info("{} had other options or variables: everything is run again.", attempts.last());
            remove();
            return Optional.empty();
        }
        Path folder = RunnerFiles.emptied(runContext.workingDir().path(), FOLDER);
        List<String> results = new ArrayList<>();
        for (String name : attempts.all().stream().flatMap(attempt -> attempt.results().stream()).toList()) {
            try (InputStream content = runContext.storage().getFile(uri(name))) {
                Files.copy(content, folder.resolve(name));
            }
            results.add(RunnerFiles.relative(FOLDER) + "/" + name);
        }
        return Optional.of(new Request.Resume(attempts.last(), results));
    }

    /** Keep the results of an attempt that failed; one that has none leaves what was kept before. */
    void keep(String fingerprint, Map<String, URI> artifacts, Instant now) throws IOException {
        List<URI> results = artifacts.entrySet().stream().filter(artifact -> artifact.getKey().matches(EXECUTING))
            .sorted(Map.Entry.comparingByKey((a, b) -> Integer.compare(number(a), number(b)))).map(Map.Entry::getValue).toList();
        if (results.isEmpty() && artifacts.containsKey(RESULTS)) {
            results = List.of(artifacts.get(RESULTS));
        }
        if (results.isEmpty()) {
            return;
        }
        Attempts before = read();
        List<Attempt> all = new ArrayList<>(before.all());
        List<String> names = new ArrayList<>();
        for (URI result : results) {
            String name = "%d-%d.json".formatted(all.size() + 1, names.size() + 1);
            try (InputStream content = runContext.storage().getFile(result)) {
                runContext.storage().putFile(content, uri(name));
            }
            names.add(name);
        }
        all.add(new Attempt(execution(runContext), now.toString(), names));
        byte[] index = JacksonMapper.ofJson().writeValueAsBytes(new Attempts(fingerprint, all));
        runContext.storage().putFile(new ByteArrayInputStream(index), uri(INDEX));
    }

    /** Forget all attempts. */
    void remove() throws IOException {
        Storage storage = runContext.storage();
        if (storage.isFileExist(uri(INDEX))) {
            List<String> names = read().all().stream().flatMap(attempt -> attempt.results().stream()).toList();
            storage.deleteFile(uri(INDEX));
            for (String name : names) {
                storage.deleteFile(uri(name));
            }
        }
    }

    private Attempts read() throws IOException {
        if (!runContext.storage().isFileExist(uri(INDEX))) {
            return new Attempts("", List.of());
        }
        try (InputStream content = runContext.storage().getFile(uri(INDEX))) {
            return JacksonMapper.ofJson().readValue(content, new TypeReference<>() {
            });
        }
    }

    private URI uri(String name) {
        return URI.create(base + name);
    }

    private static int number(String artifact) {
        return Integer.parseInt(artifact.substring(0, artifact.indexOf('-')));
    }

    /** What tells the task runs of a task in loops apart; the same in each attempt. */
    private static String iteration(Map<String, Object> variables) {
        List<Object> values = new ArrayList<>();
        values.add(at(variables, "taskrun", "value"));
        values.add(at(variables, "taskrun", "iteration"));
        values.add(at(variables, "item", "index"));
        if (variables.get("parents") instanceof List<?> parents) {
            parents.forEach(parent -> values.add(at(parent, "taskrun", "value")));
        }
        return values.toString();
    }

    /** In words of the execution's variables: they are the same on each version of Kestra. */
    static String execution(RunContext runContext) {
        return String.valueOf(at(runContext.getVariables(), "execution", "id"));
    }

    private static Object at(Object map, String... names) {
        Object found = map;
        for (String name : names) {
            found = found instanceof Map<?, ?> inner ? inner.get(name) : null;
        }
        return found;
    }

    /** All that is known of the attempts. */
    record Attempts(String fingerprint, List<Attempt> all) {
        /** The last one, for people. */
        String last() {
            return "Attempt %d (execution %s, ended %s)".formatted(all.size(), all.getLast().execution(), all.getLast().at());
        }
    }

    /** One of them, with the names of its files. */
    record Attempt(String execution, String at, List<String> results) {}
}
