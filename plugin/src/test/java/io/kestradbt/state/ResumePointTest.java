package io.kestradbt.state;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.utils.TestsUtils;
import io.kestradbt.bridge.Request;
import io.kestradbt.core.Build;
import jakarta.inject.Inject;

import static org.assertj.core.api.Assertions.assertThat;

@KestraTest
class ResumePointTest {
    private static final Instant AT = Instant.parse("2026-01-15T10:00:00Z");

    @Inject
    private RunContextFactory runContextFactory;

    @Test
    void shouldHandAllAttemptsToTheNextOne() throws Exception {
        RunContext runContext = runContext();
        ResumePoint point = new ResumePoint(runContext);
        assertThat(point.fetch("f")).isEmpty();

        point.keep("f", artifacts(runContext, "run_results.json"), AT);
        point.keep("f", Map.of(), AT); // died without results: the first attempt still counts
        point.keep("f", artifacts(runContext, "2-retry/run_results.json", "run_results.json", "1-build/run_results.json", "3-docs-generate/run_results.json"), AT);
        Request.Resume resume = point.fetch("f").orElseThrow();

        String execution = AttemptFolder.execution(runContext);
        assertThat(resume.after()).isEqualTo("Attempt 2 (execution %s, ended 2026-01-15T10:00:00Z)".formatted(execution));
        assertThat(resume.results()).containsExactly(".kestra-dbt/resume/1-1.json", ".kestra-dbt/resume/2-1.json", ".kestra-dbt/resume/2-2.json");
        assertThat(resume.results()).extracting(file -> Files.readString(runContext.workingDir().path().resolve(file)))
            .containsExactly("run_results.json", "1-build/run_results.json", "2-retry/run_results.json");

        point.remove();
        assertThat(point.fetch("f")).isEmpty();
    }

    @Test
    void shouldForgetAttemptsAtSomethingElse() throws Exception {
        RunContext runContext = runContext();
        ResumePoint point = new ResumePoint(runContext);
        point.keep("f", artifacts(runContext, "run_results.json"), AT);

        assertThat(point.fetch("other")).isEmpty();
        assertThat(point.fetch("f")).isEmpty();
    }

    private RunContext runContext() {
        return TestsUtils.mockRunContext(runContextFactory, Build.builder().id("build").type(Build.class.getName()).build(), Map.of());
    }

    /** Each with its own name as its text. */
    private static Map<String, URI> artifacts(RunContext runContext, String... names) throws IOException {
        Map<String, URI> artifacts = new LinkedHashMap<>();
        for (String name : List.of(names)) {
            artifacts.put(name, runContext.storage().putFile(new ByteArrayInputStream(name.getBytes(StandardCharsets.UTF_8)), name.replace('/', '-')));
        }
        return artifacts;
    }
}
