package io.kestradbt.state;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.storages.StorageContext;
import io.kestra.core.utils.Slugify;

/**
 * Files that one attempt of a task leaves for the next one: after a retry, a restart or a replay, on any worker.
 * <p>
 * They are among the files of the execution, and go with these. A replay finds those of the execution that it replays.
 */
final class AttemptFolder {
    private static final int DIGITS = 12;

    private final RunContext runContext;
    private final String identity;
    private final String base;

    /** @param name what they are, as a path */
    AttemptFolder(RunContext runContext, String name) {
        this.runContext = runContext;
        RunContext.FlowInfo flow = runContext.flowInfo();
        Map<String, Object> variables = runContext.getVariables();
        String execution = Stream.of("originalId", "id").map(key -> at(variables, "execution", key)).filter(Objects::nonNull).findFirst()
            .map(Object::toString).orElseThrow();
        String task = String.valueOf(at(variables, "task", "id"));
        String iteration = iteration(variables);
        this.identity = String.join("\n", String.valueOf(flow.tenantId()), flow.namespace(), flow.id(), execution, task, iteration);
        this.base = "%s/%s/%s-%s/".formatted(
            StorageContext.forExecution(flow.tenantId(), flow.namespace(), flow.id(), execution).getExecutionStorageURI("kestra"), name,
            Slugify.of(task), StateKey.hash(iteration).substring(0, DIGITS)
        );
    }

    /** What tells these attempts from those of any other task, or of another turn of a loop. */
    String identity() {
        return identity;
    }

    /** The address of a file. */
    URI uri(String file) {
        return URI.create(base + file);
    }

    boolean has(String file) throws IOException {
        return runContext.storage().isFileExist(uri(file));
    }

    /** What was written as JSON; empty if there is no such file. */
    <T> Optional<T> read(String file, Class<T> type) throws IOException {
        if (!has(file)) {
            return Optional.empty();
        }
        try (InputStream content = runContext.storage().getFile(uri(file))) {
            return Optional.of(JacksonMapper.ofJson().readValue(content, type));
        }
    }

    /** Write as JSON. */
    void write(String file, Object value) throws IOException {
        runContext.storage().putFile(new ByteArrayInputStream(JacksonMapper.ofJson().writeValueAsBytes(value)), uri(file));
    }

    /** In words of the execution's variables: they are the same on each version of Kestra. */
    static String execution(RunContext runContext) {
        return String.valueOf(at(runContext.getVariables(), "execution", "id"));
    }

    /** What tells the task runs of a task in loops apart; the same in each attempt. */
    private static String iteration(Map<String, Object> variables) {
        List<Object> values = new ArrayList<>();
        values.add(at(variables, "taskrun", "value"));
        values.add(at(variables, "taskrun", "iteration"));
        values.add(at(variables, "item", "index"));
        if (at(variables, "item", "parents") instanceof List<?> loops) {
            loops.forEach(loop -> values.add(at(loop, "index")));
        }
        if (variables.get("parents") instanceof List<?> parents) {
            parents.forEach(parent -> values.add(at(parent, "taskrun", "value")));
        }
        return values.toString();
    }

    private static Object at(Object map, String... names) {
        Object found = map;
        for (String name : names) {
            found = found instanceof Map<?, ?> inner ? inner.get(name) : null;
        }
        return found;
    }
}
