package io.kestradbt.bridge;

import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;

import static io.kestradbt.bridge.Nodes.START;
import static io.kestradbt.bridge.Nodes.finished;
import static io.kestradbt.bridge.Nodes.invocationStarted;
import static io.kestradbt.bridge.Nodes.log;
import static io.kestradbt.bridge.Nodes.started;
import static org.assertj.core.api.Assertions.assertThat;

class NodeTreeTest {
    private final RecordingSink sink = new RecordingSink();
    private final NodeTree tree = new NodeTree(sink);

    @Test
    void shouldShowATestUnderItsModel() {
        tree.finished(finished(1, "model.a", null));
        tree.finished(finished(1, "test.a", "model.a"));

        assertThat(sink.tree).containsExactly("1:model.a", "2:test.a under 1:model.a");
    }

    @Test
    void shouldLetAUnitTestWaitForItsModelWithItsLog() {
        tree.started(started(1, "unit_test.a", "model.a"));
        tree.log(log(1, "unit_test.a", LogLevel.INFO, "while it ran"));
        tree.finished(finished(1, "unit_test.a", "model.a"));
        tree.log(log(1, "unit_test.a", LogLevel.INFO, "while it waited"));
        assertThat(sink.tree).isEmpty();

        tree.finished(finished(1, "model.a", null));

        assertThat(sink.tree).containsExactly("1:model.a", "2:unit_test.a under 1:model.a");
        assertThat(sink.nodes.get(1).lines()).extracting(NodeRun.Line::message).containsExactly("while it ran", "while it waited");
    }

    @Test
    void shouldShowWaitingNodesUnderAnEarlierInvocationsParentWhenTheirOwnEnds() {
        tree.finished(finished(1, "model.a", null));
        tree.finished(finished(2, "model.a", null));
        tree.finished(finished(3, "test.a", "model.a"));
        assertThat(sink.tree).hasSize(2);

        tree.invocationFinished(3);

        assertThat(sink.tree).last().isEqualTo("3:test.a under 2:model.a");
    }

    @Test
    void shouldPreferTheParentOfTheSameInvocation() {
        tree.finished(finished(1, "model.a", null));
        tree.finished(finished(2, "unit_test.a", "model.a"));
        tree.finished(finished(2, "model.a", null));

        assertThat(sink.tree).containsExactly("1:model.a", "2:model.a", "3:unit_test.a under 2:model.a");
    }

    @Test
    void shouldShowNodesOfAnUnknownParentUnderTheTask() {
        tree.finished(finished(1, "test.a", "source.a"));

        tree.invocationFinished(1);

        assertThat(sink.tree).containsExactly("1:test.a");
    }

    @Test
    void shouldShowGrandchildrenUnderTheirParents() {
        tree.finished(finished(1, "test.c", "test.b"));
        tree.finished(finished(1, "test.b", "model.a"));
        tree.invocationFinished(1);

        assertThat(sink.tree).containsExactly("1:test.b", "2:test.c under 1:test.b");
    }

    @Test
    void shouldEndWhenNodesNameEachOtherOrThemselvesAsParents() {
        tree.finished(finished(1, "test.a", "test.b"));
        tree.finished(finished(1, "test.b", "test.a"));
        tree.finished(finished(1, "test.c", "test.c"));
        tree.close(false, START);

        assertThat(sink.tree).containsExactlyInAnyOrder("1:test.c", "2:test.b", "3:test.a under 2:test.b");
    }

    @Test
    void shouldShowANodeThatNeverEndedAsFailedWithWhatWaitsForIt() {
        tree.started(started(1, "model.a", null));
        tree.log(log(1, "model.a", LogLevel.INFO, "1 of 1 START"));
        tree.finished(finished(1, "unit_test.a", "model.a"));

        tree.close(false, START.plusSeconds(9));

        assertThat(sink.tree).containsExactly("1:model.a", "2:unit_test.a under 1:model.a");
        NodeRun model = sink.nodes.getFirst();
        assertThat(model.state()).isEqualTo(NodeRun.NodeState.FAILED);
        assertThat(model.finishedAt()).isEqualTo(START.plusSeconds(9));
        assertThat(model.lines()).containsExactly(
            new NodeRun.Line(Level.INFO, "1 of 1 START"), new NodeRun.Line(Level.ERROR, "The run ended while this node ran.")
        );
    }

    @Test
    void shouldShowANodeThatWasKilledAsKilled() {
        tree.started(started(1, "model.a", null));

        tree.close(true, START);

        assertThat(sink.nodes.getFirst().state()).isEqualTo(NodeRun.NodeState.KILLED);
        assertThat(sink.nodes.getFirst().lines()).containsExactly(new NodeRun.Line(Level.ERROR, "The run was killed while this node ran."));
    }

    @Test
    void shouldKeepNothingOfANodeTwice() {
        tree.started(started(1, "model.a", null));
        tree.log(log(1, "model.a", LogLevel.INFO, "first"));
        tree.finished(finished(1, "model.a", null));
        assertThat(tree.log(log(1, "model.a", LogLevel.INFO, "too late"))).isFalse();
        tree.started(started(2, "model.a", null));
        tree.finished(finished(2, "model.a", null));
        tree.close(false, START);

        assertThat(sink.tree).containsExactly("1:model.a", "2:model.a");
        assertThat(sink.nodes.get(1).lines()).isEmpty();
    }

    @Test
    void shouldNotLoseLinesOfANodeThatNeverStarted() {
        tree.log(log(1, "model.a", LogLevel.WARN, "about a model that never ran"));

        tree.close(false, START);

        assertThat(sink.log).containsExactly("WARN about a model that never ran");
    }

    @Test
    void shouldLetATestWaitForNothingWhereOnlyTestsRun() {
        tree.finished(finished(1, "model.a", null));
        tree.invocationStarted(invocationStarted(2, "test"));
        tree.finished(finished(2, "test.a", "model.a"));
        tree.finished(finished(2, "test.b", "model.b"));

        assertThat(sink.tree).containsExactly("1:model.a", "2:test.a under 1:model.a", "3:test.b");
    }

    @Test
    void shouldLetALogThatIsTooLongGoOnInThatOfTheTask() {
        tree.started(started(1, "model.a", null));
        for (int line = 1; line <= NodeTree.LINES_AT_MOST + 2; line++) {
            assertThat(tree.log(log(1, "model.a", LogLevel.INFO, "line " + line))).isTrue();
        }
        assertThat(sink.log).containsExactly("INFO model.a: line 1001", "INFO model.a: line 1002");

        tree.finished(finished(1, "model.a", null));

        assertThat(sink.nodes.getFirst().lines()).hasSize(NodeTree.LINES_AT_MOST + 1).endsWith(
            new NodeRun.Line(Level.INFO, "line 1000"), new NodeRun.Line(Level.INFO, "The log of this node goes on in that of the task.")
        );
    }
}
