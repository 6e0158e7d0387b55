package io.kestradbt.graph;

import java.util.List;
import java.util.Optional;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.NextTaskRun;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.State;
import io.kestra.core.runners.RunContext;
import io.kestra.core.validations.DagTaskValidation;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Kestra's own Dag, but for what a failure does: branches that do not depend on it go on. */
@SuperBuilder
@ToString(callSuper = true)
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@DagTaskValidation
@Schema(
    title = "Run tasks in the order of their dependencies, and go on past a failure",
    description = """
        Kestra's `io.kestra.plugin.core.flow.Dag`, with one difference: when a task fails, only what depends on it is left out. All other branches run to
        their ends, as in `dbt build`; then the graph fails, and names what did not run. A restart of the execution runs the tasks that failed and those
        that were left out, and no other. A task with `allowFailure: true` that fails counts as one that ended with a warning."""
)
@Plugin(
    examples = @Example(
        full = true,
        title = "One branch fails, the other one runs to its end. A restart runs `orders` and `report` alone.",
        code = """
            id: graph_of_tasks
            namespace: company.team

            inputs:
              - id: works
                type: BOOL
                defaults: true

            tasks:
              - id: graph
                type: io.kestradbt.graph.Dag
                concurrent: 4
                tasks:
                  - task:
                      id: orders
                      type: io.kestra.plugin.core.execution.Fail
                      condition: "{{ not inputs.works }}"
                  - task:
                      id: customers
                      type: io.kestra.plugin.core.log.Log
                      message: In a branch of its own.
                  - task:
                      id: report
                      type: io.kestra.plugin.core.log.Log
                      message: After both.
                    dependsOn:
                      - orders
                      - customers
            """
    )
)
public class Dag extends io.kestra.plugin.core.flow.Dag {
    private static final int NAMED_AT_MOST = 20;

    @Override
    public List<NextTaskRun> resolveNexts(RunContext runContext, Execution execution, TaskRun parentTaskRun) throws IllegalVariableEvaluationException {
        Standing standing = standing(runContext, execution, parentTaskRun);
        if (standing.isOver()) {
            return super.resolveNexts(runContext, execution, parentTaskRun); // `errors` and `finally`
        }
        if (execution.getState().getCurrent() == State.Type.KILLING) {
            return List.of();
        }
        int concurrent = runContext.render(getConcurrent()).as(Integer.class).orElse(0);
        long free = concurrent > 0 ? Math.max(0, concurrent - standing.running()) : Long.MAX_VALUE;
        return standing.ready().stream().limit(free).map(task -> task.toNextTaskRun(execution)).toList();
    }

    @Override
    public Optional<State.Type> resolveState(RunContext runContext, Execution execution, TaskRun parentTaskRun) throws IllegalVariableEvaluationException {
        Standing standing = standing(runContext, execution, parentTaskRun);
        if (!standing.isOver()) {
            return Optional.empty();
        }
        Optional<State.Type> state = super.resolveState(runContext, execution, parentTaskRun);
        if (state.isPresent() && !standing.leftOut().isEmpty()) {
            runContext.logger().warn(sentence(standing));
        }
        return state;
    }

    private Standing standing(RunContext runContext, Execution execution, TaskRun parentTaskRun) throws IllegalVariableEvaluationException {
        return Standing.of(execution, childTasks(runContext, parentTaskRun), getTasks(), parentTaskRun);
    }

    private static String sentence(Standing standing) {
        return "Not run, because %s failed: %s.".formatted(named(standing.failed()), named(standing.leftOut()));
    }

    private static String named(List<String> ids) {
        String first = String.join(", ", ids.subList(0, Math.min(ids.size(), NAMED_AT_MOST)));
        return ids.size() > NAMED_AT_MOST ? "%s and %d more".formatted(first, ids.size() - NAMED_AT_MOST) : first;
    }
}
