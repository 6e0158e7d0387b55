package io.kestradbt.state;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.storages.FileAttributes;
import io.kestra.core.storages.kv.KVValue;
import io.kestra.core.storages.kv.KVValueAndMetadata;
import io.kestra.core.utils.IdUtils;
import io.kestra.core.utils.TestsUtils;
import io.kestradbt.core.Build;
import jakarta.inject.Inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@KestraTest
class StateStoreTest {
    private static final Instant NOW = Instant.parse("2026-01-15T10:00:00Z");

    @Inject
    private RunContextFactory runContextFactory;

    private final FakeKv kv = new FakeKv();
    private final StateKey key = new StateKey("shop", "prod", IdUtils.create());

    @Test
    void shouldKeepTheLastStateAndTheOneBefore() throws Exception {
        URI first = promote("first", NOW);
        URI second = promote("second", NOW.plusSeconds(4000));
        URI third = promote("third", NOW.plusSeconds(8000));

        RunContext runContext = runContext();
        assertThat(runContext.storage().isFileExist(first)).isFalse();
        assertThat(content(runContext, second)).isEqualTo("manifest of second");
        assertThat(content(runContext, third)).isEqualTo("manifest of third");
        String folder = third.toString().replaceAll("[^/]+$", "");
        List<FileAttributes> files = runContext.storage().list(URI.create(folder));
        assertThat(files).hasSize(4);
        assertThat(folder).contains("/_dbt/state/dbt-state.shop.prod.");
    }

    @Test
    void shouldLeaveYoungFilesToTheirReaders() throws Exception {
        URI first = promote("first", NOW);
        promote("second", NOW.plusSeconds(60));
        promote("third", NOW.plusSeconds(120));

        assertThat(runContext().storage().isFileExist(first)).isTrue();
    }

    @Test
    void shouldNeverMixTwoRuns() throws Exception {
        promote("0", NOW);
        List<CompletableFuture<Void>> writers = IntStream.rangeClosed(1, 20).mapToObj(number -> CompletableFuture.runAsync(() -> {
            try {
                promote(String.valueOf(number), NOW.plusSeconds(number)); // none is old enough to be deleted under a reader
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        })).toList();
        while (!writers.stream().allMatch(CompletableFuture::isDone)) {
            read();
        }
        CompletableFuture.allOf(writers.toArray(CompletableFuture[]::new)).join();
        read();
    }

    private void read() throws Exception {
        RunContext runContext = runContext();
        StateFolder folder = new StateFolder(runContext, "state");
        assertThat(folder.fetch(store(runContext, NOW).find(key).orElseThrow())).isTrue();
        Path path = runContext.workingDir().path().resolve(folder.name());
        String of = Files.readString(path.resolve("manifest.json")).replace("manifest of ", "");
        if (Files.exists(path.resolve("run_results.json"))) {
            assertThat(Files.readString(path.resolve("run_results.json"))).isEqualTo("results of " + of);
        }
    }

    @Test
    void shouldWaitForAnEntryThatIsBeingReplaced() throws Exception {
        AtomicInteger reads = new AtomicInteger();
        FakeKv replaced = new FakeKv() {
            @Override
            public Optional<KVValue> getValue(String name) {
                return reads.incrementAndGet() < 3 ? Optional.empty() : super.getValue(name);
            }
        };
        replaced.values.put("A", "kestra:///manifest.json");

        RunContext runContext = runContext();
        assertThat(new StateStore(runContext, replaced, Clock.systemUTC()).value("A")).contains("kestra:///manifest.json");
        assertThat(new StateStore(runContext, replaced, Clock.systemUTC()).value("B")).isEmpty();
    }

    @Test
    void shouldWriteAgainWhatWasRefused() throws Exception {
        AtomicInteger writes = new AtomicInteger();
        KvEntry entry = new KvEntry(new FakeKv() {
            @Override
            public void put(String key, KVValueAndMetadata value, boolean overwrite) {
                if (writes.incrementAndGet() < 3) {
                    throw new IllegalStateException("Unique index or primary key violation");
                }
                super.put(key, value, overwrite);
            }
        }, "entry");

        entry.put("", "value");

        assertThat(entry.value()).contains("value");
        assertThat(writes).hasValue(3);
    }

    @Test
    void shouldTellWhatIsAlwaysRefused() {
        KvEntry entry = new KvEntry(new FakeKv() {
            @Override
            public void put(String key, KVValueAndMetadata value, boolean overwrite) {
                throw new IllegalStateException("no such table");
            }
        }, "entry");

        assertThatThrownBy(() -> entry.put("", "value")).hasMessage("no such table");
    }

    @Test
    void shouldReadWhatAnEntryMayHold() {
        assertThat(KeptState.of("kestra:///a/manifest.json").map(KeptState::manifest)).contains(URI.create("kestra:///a/manifest.json"));
        KeptState kept = new KeptState(URI.create("kestra:///a"), URI.create("kestra:///b"), "x", "2026-01-15T10:00:00Z");
        assertThat(KeptState.of(kept.toMap())).contains(kept);
        assertThat(KeptState.of("text")).isEmpty();
        assertThat(KeptState.of(Map.of("nodes", Map.of()))).isEmpty();
        assertThat(KeptState.of(null)).isEmpty();
    }

    private URI promote(String name, Instant at) throws Exception {
        RunContext runContext = runContext();
        Map<String, URI> artifacts = Map.of(
            "manifest.json", put(runContext, "manifest of " + name, "manifest.json"), "run_results.json", put(runContext, "results of " + name, "run_results.json")
        );
        store(runContext, at).promote(key, artifacts, name);
        return store(runContext, at).find(key).orElseThrow().manifest();
    }

    private StateStore store(RunContext runContext, Instant at) {
        return new StateStore(runContext, kv, Clock.fixed(at, ZoneOffset.UTC));
    }

    private RunContext runContext() {
        return TestsUtils.mockRunContext(runContextFactory, Build.builder().id("build").type(Build.class.getName()).build(), Map.of());
    }

    private static URI put(RunContext runContext, String text, String name) throws IOException {
        return runContext.storage().putFile(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), name);
    }

    private static String content(RunContext runContext, URI uri) throws IOException {
        try (var file = runContext.storage().getFile(uri)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
