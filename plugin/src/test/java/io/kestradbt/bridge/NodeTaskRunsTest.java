package io.kestradbt.bridge;

import java.util.List;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.kestra.core.models.flows.State;

import static io.kestradbt.bridge.Nodes.START;
import static org.assertj.core.api.Assertions.assertThat;

class NodeTaskRunsTest {
    @ParameterizedTest
    @CsvSource({ "not_null.order_id, not_null.order_id", "a b/ç, a_b__", "'', model.shop.orders", ", model.shop.orders" })
    void shouldMakeATaskIdOfAnyLabel(String label, String expected) {
        assertThat(NodeTaskRuns.taskId(node(label))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({ "119, 119", "120, 120", "284, 120" })
    void shouldStayWithinTheColumnsOfKestrasTables(int length, int expected) {
        assertThat(NodeTaskRuns.taskId(node("x".repeat(length)))).hasSize(expected);
    }

    @ParameterizedTest
    @CsvSource({ "FAILED, false, FAILED", "FAILED, true, WARNING", "KILLED, true, KILLED", "SUCCESS, true, SUCCESS" })
    void shouldLeaveNoNodeFailedWhereARestartIsWanted(NodeRun.NodeState node, boolean restartable, State.Type expected) {
        State state = NodeTaskRuns.state(new NodeRun("model.shop.orders", "orders", node, START, START, START, List.of()), restartable);

        assertThat(state.getCurrent()).isEqualTo(expected);
        assertThat(state.getHistories()).extracting(State.History::getState).contains(State.Type.valueOf(node.name()));
    }

    private static NodeRun node(String label) {
        return new NodeRun("model.shop.orders", label, NodeRun.NodeState.SUCCESS, START, START, START, List.of());
    }
}
