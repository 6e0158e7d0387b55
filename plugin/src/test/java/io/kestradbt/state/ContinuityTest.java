package io.kestradbt.state;

import java.io.ByteArrayInputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.runners.RunContext;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.utils.IdUtils;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestradbt.bridge.Request;
import io.kestradbt.bridge.RunResult;
import io.kestradbt.bridge.Secrets;
import io.kestradbt.bridge.Summary;
import jakarta.inject.Inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@KestraTest
class ContinuityTest {
    private static final Request.DbtCommand BUILD =
        new Request.DbtCommand(List.of("build"), Map.of("target", "dev", "threads", 2), List.of(), null, List.of(), false, false, null, null, List.of(), null, false, null);
    private static final Secrets SECRETS = new Secrets(null, Map.of("day", 1), Map.of(), null);

    @Inject
    private RunContextFactory runContextFactory;

    private final String execution = IdUtils.create();

    @Test
    void shouldGoOnAfterAKillInAReplay() throws Exception {
        RunContext killed = runContext(execution, null);
        continuity(killed, BUILD, SECRETS).end(result(killed, true, Optional.of("The run was stopped.")), true);

        RunContext replay = runContext(IdUtils.create(), execution);
        Request.DbtCommand more = BUILD.withState(Map.of("target", "dev", "threads", 8), List.of());
        Request.DbtCommand request = continuity(replay, more, SECRETS).begin(new CommandsWrapper(replay), SECRETS);

        assertThat(request.resume().after()).startsWith("Attempt 1 (execution " + execution);
        assertThat(request.resume().results()).singleElement().satisfies(file -> assertThat(replay.workingDir().path().resolve(file)).hasContent("{}"));
    }

    @Test
    void shouldStartAnewAfterASuccessAndWithOtherVariables() throws Exception {
        RunContext runContext = runContext(execution, null);
        Secrets others = new Secrets(null, Map.of("day", 2), Map.of(), null);
        continuity(runContext, BUILD, SECRETS).end(result(runContext, false, Optional.of("1 of 2 nodes failed.")), false);
        assertThat(continuity(runContext, BUILD, others).begin(new CommandsWrapper(runContext), others).resume()).isNull();

        continuity(runContext, BUILD, SECRETS).end(result(runContext, false, Optional.of("1 of 2 nodes failed.")), false);
        continuity(runContext, BUILD, SECRETS).end(result(runContext, false, Optional.empty()), false);
        assertThat(continuity(runContext, BUILD, SECRETS).begin(new CommandsWrapper(runContext), SECRETS).resume()).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "kestra:///company/team/nowhere/manifest.json, `deferState` is kestra:///company/team/nowhere/manifest.json",
        "nsfile:///nowhere/manifest.json, `deferState` is nsfile:///nowhere/manifest.json"
    })
    void shouldNameAStateThatIsNotThere(String state, String words) {
        RunContext runContext = runContext(execution, null);
        Request.DbtCommand request = BUILD.withState(Map.of("defer_state", state), List.of());

        assertThatThrownBy(() -> continuity(runContext, request, SECRETS).begin(new CommandsWrapper(runContext), SECRETS))
            .isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith(words);
    }

    private static Continuity continuity(RunContext runContext, Request.DbtCommand request, Secrets secrets) {
        return new Continuity(runContext, request, secrets, true);
    }

    private static RunResult result(RunContext runContext, boolean stopped, Optional<String> failure) throws Exception {
        URI results = runContext.storage().putFile(
            new ByteArrayInputStream("{}".getBytes(StandardCharsets.UTF_8)), URI.create("kestra:///company/team/test/" + IdUtils.create() + ".json")
        );
        return new RunResult(
            1, Map.of("run_results.json", results), Map.of(), Map.of(), new Summary(0, 0, 0, 0, 0, 0, 0, 0), null, null, List.of(),
            Optional.empty(), Optional.empty(), Map.of(), Optional.empty(), Optional.empty(), Optional.empty(), false, stopped, failure
        );
    }

    private RunContext runContext(String id, String original) {
        Map<String, Object> ids = original == null ? Map.of("id", id) : Map.of("id", id, "originalId", original);
        return runContextFactory.of(Map.of(
            "flow", Map.of("id", "dbt", "namespace", "company.team"), "task", Map.of("id", "build"), "taskrun", Map.of("id", IdUtils.create()), "execution", ids
        ));
    }
}
