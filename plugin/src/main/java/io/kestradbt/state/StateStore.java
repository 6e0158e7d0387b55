package io.kestradbt.state;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.kestra.core.runners.RunContext;
import io.kestra.core.storages.FileAttributes;
import io.kestra.core.storages.StorageContext;
import io.kestra.core.storages.kv.KVStore;

/**
 * The last successful states of a namespace. The files are in a folder of the internal storage that no purge of executions and no download of
 * namespace files touches; an entry of the KV store says which of them count.
 */
final class StateStore {
    /** Long enough for whoever has just read the entry to fetch the files. */
    private static final Duration READERS_NEED = Duration.ofHours(1);

    private static final Pattern FILE = Pattern.compile("(?<at>\\d+)-.+");

    private final RunContext runContext;
    private final KVStore kv;
    private final String folder;
    private final Clock clock;

    /** The store of the flow's namespace. */
    static StateStore of(RunContext runContext) {
        return new StateStore(runContext, runContext.namespaceKv(runContext.flowInfo().namespace()), Clock.systemUTC());
    }

    StateStore(RunContext runContext, KVStore kv, Clock clock) {
        this.runContext = runContext;
        this.kv = kv;
        this.folder = "kestra:///%s/_dbt/state/".formatted(StorageContext.namespaceAsPath(runContext.flowInfo().namespace()));
        this.clock = clock;
    }

    /** The state under a key; empty if there is none. */
    Optional<KeptState> find(StateKey key) throws IOException, InterruptedException {
        return value(key.name()).flatMap(KeptState::of);
    }

    /** An entry of the KV store; empty if there is none. */
    Optional<Object> value(String key) throws IOException, InterruptedException {
        return new KvEntry(kv, key).value();
    }

    /**
     * Let a run's files be the state from now on: all of them at once, when they are all there.
     *
     * @param artifacts of a successful run, with its manifest.json
     */
    void promote(StateKey key, Map<String, URI> artifacts, String execution) throws IOException, InterruptedException {
        Instant now = clock.instant();
        String prefix = "%d-%s-".formatted(now.toEpochMilli(), runContext.taskRunInfo().taskRunId());
        URI manifest = copy(artifacts.get(StateFolder.MANIFEST), key, prefix + StateFolder.MANIFEST);
        URI results = artifacts.get(StateFolder.RUN_RESULTS);
        URI runResults = results == null ? null : copy(results, key, prefix + StateFolder.RUN_RESULTS);
        Optional<KeptState> before = find(key);
        String description = "State of dbt, %s: its last success, written by kestra-dbt".formatted(key);
        new KvEntry(kv, key.name()).put(description, new KeptState(manifest, runResults, execution, now.toString()).toMap());
        tidy(key, now, manifest, before);
    }

    private URI copy(URI from, StateKey key, String name) throws IOException {
        try (InputStream content = runContext.storage().getFile(from)) {
            return runContext.storage().putFile(content, uri(key, name));
        }
    }

    /** Delete what was superseded, but what the last readers may be at: the state before, and what is no hour old. */
    private void tidy(StateKey key, Instant now, URI current, Optional<KeptState> before) throws IOException {
        for (FileAttributes file : runContext.storage().list(uri(key, ""))) {
            Matcher name = FILE.matcher(file.getFileName());
            boolean ours = isOf(file, current) || before.isPresent() && isOf(file, before.get().manifest());
            if (name.matches() && !ours && Long.parseLong(name.group("at")) < now.minus(READERS_NEED).toEpochMilli()) {
                runContext.storage().deleteFile(uri(key, file.getFileName()));
            }
        }
    }

    /** Whether a file belongs to the same state as a manifest. */
    private static boolean isOf(FileAttributes file, URI manifest) {
        String path = manifest.getPath();
        String prefix = path.substring(path.lastIndexOf('/') + 1).replace(StateFolder.MANIFEST, "");
        return file.getFileName().startsWith(prefix);
    }

    private URI uri(StateKey key, String name) {
        return URI.create(folder + key.name() + "/" + name);
    }
}
