package io.kestradbt.runner;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.utils.TestsUtils;
import io.kestradbt.bridge.DbtRunException;
import io.kestradbt.platform.CheckRun;
import io.kestradbt.task.FakeRunner;
import io.kestradbt.task.LogRecorder;
import jakarta.inject.Inject;

import static io.kestradbt.task.FakeRunner.ENDED;
import static io.kestradbt.task.FakeRunner.event;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What becomes of a task whose process, shared with others, is not there. */
@KestraTest
@Timeout(60)
class WarmTest {
    private static final String SHARED = "[ -n \"$KESTRA_DBT_SHARED\" ]";

    @Inject
    private RunContextFactory runContextFactory;

    @TempDir
    private Path folder;

    private LogRecorder log;

    @BeforeEach
    void record() {
        log = new LogRecorder();
    }

    @AfterEach
    void stopRecording() {
        log.close();
    }

    @Test
    void shouldSayWhatKeepsTheProcessFromStarting() {
        String fails = event("\"kind\":\"failure\",\"code\":\"environment\",\"sentence\":\"httpx cannot be installed.\"")
            + event("\"kind\":\"ended\",\"outcome\":\"failed\",\"exit_code\":2,\"summary\":{\"nodes\":0}") + "exit 2\n";

        assertThatThrownBy(() -> run(SHARED + " || exit 9\n" + fails, List.of())).isInstanceOf(DbtRunException.class).hasMessage("httpx cannot be installed.");
    }

    @Test
    void shouldGoOnAloneWhenTheProcessHasDied() throws Exception {
        run("if " + SHARED + "; then echo ready; exit 0; fi\n" + ENDED, List.of());

        assertThat(log.of("task")).contains("WARN The process that this task shared has died: it goes on in one of its own.");
    }

    @Test
    void shouldNotShareWhatItsOwnShellHasPrepared() throws Exception {
        run("if " + SHARED + "; then exit 9; fi\n" + ENDED, List.of("export PREPARED=1"));

        assertThat(log.of("task")).noneMatch(line -> line.contains("has died"));
    }

    @Test
    void shouldTellTheRunnerWhoseWarmProcessItMayUse() throws Exception {
        run("[ \"$KESTRA_DBT_WARM\" = " + ProcessHandle.current().pid() + " ] && [ -z \"$KESTRA_DBT_WARM_LIMITS\" ] || exit 9\n" + ENDED, List.of("export PREPARED=1"));
    }

    @Test
    void shouldTellTheRunnerTheLimitsThatAreSet() throws Exception {
        Warm limited = Warm.builder().type(Warm.class.getName()).maxIdle(Property.ofValue(Duration.ofMinutes(5))).maxTasks(Property.ofValue(7)).build();

        run("[ \"$KESTRA_DBT_WARM_LIMITS\" = '{\"idle_s\":300,\"runs\":7}' ] || exit 9\n" + ENDED, List.of("export PREPARED=1"), limited);
    }

    private void run(String runner, List<String> beforeCommands) throws Exception {
        run(runner, beforeCommands, Warm.builder().type(Warm.class.getName()).build());
    }

    private void run(String runner, List<String> beforeCommands, Warm warm) throws Exception {
        CheckRun task = CheckRun.builder().id("task").type(CheckRun.class.getName()).accountId(Property.ofValue("1")).token(Property.ofValue("dbtu_x"))
            .runId(Property.ofValue("7")).pythonPath(FakeRunner.of(folder, runner)).beforeCommands(Property.ofValue(beforeCommands))
            .taskRunner(warm).build();
        task.run(TestsUtils.mockRunContext(runContextFactory, task, Map.of()));
    }
}
