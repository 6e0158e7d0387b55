package io.kestradbt.platform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.conditions.ConditionContext;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.triggers.TriggerContext;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.utils.TestsUtils;
import io.kestradbt.bridge.DbtRunException;
import io.kestradbt.state.FakeKv;
import io.kestradbt.state.TriggerMemory;
import io.kestradbt.task.FakeRunner;
import jakarta.inject.Inject;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

import static io.kestradbt.task.FakeRunner.ENDED;
import static io.kestradbt.task.FakeRunner.event;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@KestraTest
@Timeout(60)
class JobRunFinishedTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final FakeKv KV = new FakeKv();

    @Inject
    private RunContextFactory runContextFactory;

    @TempDir
    private Path folder;

    @Test
    void shouldStartAnExecutionWithTheRunsThatFinishedSinceTheLookBefore() throws Exception {
        assertThat(look("trigger", row(1, "10:00:00"))).isEmpty();
        assertThat(request().path("finished_after").isMissingNode()).isTrue();
        assertThat(request().path("limit").asInt()).isEqualTo(100);
        assertThat(request().path("statuses")).isEqualTo(JSON.readTree("[\"success\", \"error\", \"cancelled\"]"));

        assertThat(look("trigger", row(1, "10:00:00"))).isEmpty();
        assertThat(request().path("finished_after").asText()).isEqualTo("2026-01-15T09:45:00Z");

        Map<String, Object> variables = look("trigger", row(1, "10:00:00"), row(3, "10:00:00"), row(2, "10:01:00")).orElseThrow().getTrigger().getVariables();
        assertThat(variables).containsEntry("count", 2).containsEntry("status", "error").containsEntry("url", "https://dbt.example.com/2");
        assertThat(((Number) variables.get("runId")).longValue()).isEqualTo(2);
        assertThat((List<?>) variables.get("runs")).extracting(run -> ((Number) ((Map<?, ?>) run).get("id")).longValue()).containsExactly(3L, 2L);

        assertThat(look("trigger", row(1, "10:00:00"), row(3, "10:00:00"), row(2, "10:01:00"))).isEmpty();
    }

    @Test
    void shouldLeaveWhatIsTooManyForTheNextLook() throws Exception {
        look("few");
        String[] rows = { row(1, "10:00:00"), row(2, "10:00:01"), row(3, "10:00:02") };

        assertThat(look("few", rows).orElseThrow().getTrigger().getVariables()).containsEntry("count", 2);
        assertThat(look("few", rows).orElseThrow().getTrigger().getVariables()).containsEntry("count", 1);
        assertThat(look("few", rows)).isEmpty();
    }

    @Test
    void shouldForgetNothingWhenTheLookFails() throws Exception {
        look("failing");

        assertThatThrownBy(() -> evaluate("failing", event("\"kind\":\"failure\",\"code\":\"platform\",\"sentence\":\"The platform is down.\"")
            + event("\"kind\":\"ended\",\"outcome\":\"failed\",\"exit_code\":2"))).isInstanceOf(DbtRunException.class).hasMessage("The platform is down.");

        assertThat(look("failing", row(1, "10:00:00"))).isPresent();
    }

    @Test
    void shouldSayThatItsMemoryWasChangedByHand() {
        KV.values.put("dbt-runs.flow.broken", "nonsense");

        assertThatThrownBy(() -> look("broken")).hasMessageContaining("dbt-runs.flow.broken").hasMessageContaining("delete it");
    }

    private Optional<Execution> look(String id, String... rows) throws Exception {
        Files.write(folder.resolve("rows"), List.of(rows));
        return evaluate(id, "cp '%s/rows' \"$OUTPUT_DIR/runs.ion\"; cp \"$3\" '%s/request.json'\n".formatted(folder, folder)
            + event("\"kind\":\"artifact\",\"name\":\"runs.ion\",\"file\":\"runs.ion\",\"bytes\":2,\"rows\":" + rows.length) + ENDED);
    }

    private Optional<Execution> evaluate(String id, String runner) throws Exception {
        Remembering trigger = Remembering.builder().id(id).type(JobRunFinished.class.getName()).accountId(Property.ofValue("12345"))
            .token(Property.ofValue("dbtu_example_not_real")).maxRuns(Property.ofValue(2)).pythonPath(FakeRunner.of(folder, runner)).build();
        ConditionContext condition = TestsUtils.mockTrigger(runContextFactory, trigger).getKey();
        return trigger.evaluate(condition, TriggerContext.builder().namespace("company.team").flowId("flow").triggerId(id).build());
    }

    private JsonNode request() throws IOException {
        return JSON.readTree(folder.resolve("request.json").toFile());
    }

    private static String row(long id, String time) {
        return "{\"id\": %d, \"status\": \"error\", \"finished_at\": \"2026-01-15 %s.000000+00:00\", \"url\": \"https://dbt.example.com/%d\", \"cause\": null}".formatted(id, time, id);
    }

    /** Whose memory is here: the tests have no repository. */
    @SuperBuilder
    @ToString
    @EqualsAndHashCode(callSuper = true)
    @Getter
    @NoArgsConstructor
    public static class Remembering extends JobRunFinished {
        @Override
        protected TriggerMemory memory(RunContext runContext) {
            return new TriggerMemory(KV, "dbt-runs.flow." + getId());
        }
    }
}
