package io.kestradbt.bridge;

import java.time.Clock;
import java.time.ZoneOffset;

import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;

import static io.kestradbt.bridge.Nodes.START;
import static io.kestradbt.bridge.Nodes.finished;
import static io.kestradbt.bridge.Nodes.invocationFinished;
import static io.kestradbt.bridge.Nodes.log;
import static io.kestradbt.bridge.Nodes.started;
import static org.assertj.core.api.Assertions.assertThat;

class RunTest {
    private final RecordingSink sink = new RecordingSink();
    private final Run run = new Run(sink, Clock.fixed(START, ZoneOffset.UTC));

    @Test
    void shouldAddUpTheSampleEvents() throws Exception {
        Samples.lines("events.txt").forEach(line -> run.accept(Protocol.decode(line).orElseThrow()));
        run.close(false);

        assertThat(sink.tree).containsExactly(
            "1:model.shop.stg_orders", "2:test.shop.not_null_stg_orders_order_id.81cfe2fe64 under 1:model.shop.stg_orders", "3:model.shop.orders"
        );
        assertThat(sink.progress).containsExactly(
            "node.started START 1 of 3 model stg_orders",
            "node.finished OK 1 of 3 model stg_orders in 0.98 s, 42 rows",
            "node.finished FAIL 2 of 3 test not_null.order_id in 0.40 s: Got 2 results, configured to fail if != 0 — naïve “quotes” 日本",
            "node.finished SKIP 3 of 3 model orders"
        );
        assertThat(sink.log).contains("INFO Found 4 models, 2 data tests").noneMatch(line -> line.contains("START sql view"));
        assertThat(sink.lineage).containsExactly("duckdb shop.main.stg_orders from [raw.orders_2026]");
        assertThat(sink.metrics).hasSize(2);
        assertThat(run.artifacts()).containsEntry("run_results.json", "run_results.json");
        assertThat(run.failed()).containsExactly("test.shop.not_null_stg_orders_order_id.81cfe2fe64");
        assertThat(run.failure()).map(Event.Failure::sentence).contains("1 of 3 nodes failed: test not_null.order_id.");
        assertThat(run.summary()).isEqualTo(new Summary(3, 1, 0, 1, 1, 42, 1, 4.2));
    }

    @Test
    void shouldCountTheRowsOfTheTableThatWasAskedFor() {
        run.accept(new Event.Artifact("rows.ion", "dbt/rows.ion", 40, 3L));
        run.accept(new Event.Artifact("dbt.log", "dbt/1-show/dbt.log", 900, null));

        assertThat(run.count()).contains(3L);
        assertThat(run.artifacts()).containsOnlyKeys("rows.ion", "dbt.log");
    }

    @Test
    void shouldPutTheMessageOfAFailureIntoTheNodesLogOnce() {
        run.accept(log(1, "model.a", LogLevel.ERROR, "Database Error: relation does not exist\n  compiled code"));
        run.accept(finished(1, "model.a", null, Outcome.FAILED, "Database Error: relation does not exist"));
        run.accept(finished(1, "model.b", null, Outcome.FAILED, "Database Error: no such column"));
        run.accept(finished(1, "model.c", null, Outcome.SUCCESS, "OK"));

        assertThat(sink.nodes.get(0).lines()).hasSize(1);
        assertThat(sink.nodes.get(1).lines()).containsExactly(new NodeRun.Line(Level.ERROR, "Database Error: no such column"));
        assertThat(sink.nodes.get(2).lines()).isEmpty();
    }

    @Test
    void shouldTellProgressInOneLine() {
        run.accept(finished(1, "test.a", null, Outcome.FAILED, "\n  first line\nsecond line"));
        run.accept(finished(1, "test.b", null, Outcome.WARNING, "Got 1 result"));

        assertThat(sink.progress).containsExactly(
            "node.finished FAIL 3 of 12 test a in 2.00 s: first line: second line", "node.finished WARN 3 of 12 test b in 2.00 s: Got 1 result"
        );
    }

    @Test
    void shouldWriteALineOfANodeThatIsOverToTheTasksLog() {
        run.accept(finished(1, "model.a", null));
        run.accept(log(1, "model.a", LogLevel.WARN, "too late"));

        assertThat(sink.log).containsExactly("WARN too late");
    }

    @Test
    void shouldCountWhatADeadRunHadDone() {
        run.accept(finished(1, "model.a", null));
        run.accept(finished(1, "model.b", null, Outcome.FAILED, "no"));
        run.accept(started(1, "model.c", null));
        run.close(false);

        assertThat(run.ended()).isEmpty();
        assertThat(run.unfinished()).containsExactly("model.c");
        assertThat(run.failed()).containsExactly("model.b", "model.c");
        assertThat(run.summary()).extracting(Summary::nodes, Summary::success, Summary::failed).containsExactly(3L, 1L, 2L);
    }

    @Test
    void shouldNotCountANodeAsFailedThatWasWellInARetry() {
        run.accept(finished(1, "model.a", null, Outcome.FAILED, "no"));
        run.accept(invocationFinished(1));
        run.accept(finished(2, "model.a", null));

        assertThat(run.failed()).isEmpty();
    }

    @Test
    void shouldMentionAnUnknownKindOnce() {
        run.accept(new Event.Unknown("lineage"));
        run.accept(new Event.Unknown("lineage"));

        assertThat(sink.log).singleElement().asString().startsWith("DEBUG ").contains("lineage");
    }

    @Test
    void shouldLetTheLastFailureCount() {
        run.accept(new Event.Failure("project", "first", null));
        run.accept(new Event.Failure("nodes", "last", null));

        assertThat(run.failure()).map(Event.Failure::sentence).contains("last");
    }
}
