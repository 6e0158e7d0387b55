package io.kestradbt.core.dropin;

import java.util.List;

import io.kestra.core.models.tasks.runners.TaskRunner;
import io.kestra.plugin.core.runner.Process;
import io.kestra.plugin.scripts.exec.scripts.models.DockerOptions;
import io.kestra.plugin.scripts.exec.scripts.models.RunnerType;
import io.kestra.plugin.scripts.runner.docker.Docker;
import io.kestradbt.task.Spelling;

/** Where a task runs, of all the spellings there are for it. */
public final class FormerRunner {
    private FormerRunner() {
    }

    /**
     * The task runner that is meant. Where none is named, a container by the name of Kestra's own plugin and a process by ours.
     *
     * @throws IllegalArgumentException if two spellings mean different things
     */
    public static TaskRunner<?> of(DropIn task) {
        DockerOptions docker = Spelling.either("docker", task.getDocker(), "dockerOptions", task.getDockerOptions());
        if (task.getTaskRunner() != null) {
            return named(task, docker);
        }
        RunnerType byDefault = docker != null || task.byFormerName() ? RunnerType.DOCKER : RunnerType.PROCESS;
        return switch (task.getRunner() == null ? byDefault : task.getRunner()) {
            case PROCESS -> Process.instance();
            case DOCKER -> docker == null ? withoutEntryPoint() : Docker.from(docker);
        };
    }

    private static TaskRunner<?> named(DropIn task, DockerOptions docker) {
        TaskRunner<?> named = task.getTaskRunner();
        boolean contradicts = switch (task.getRunner()) {
            case null -> false;
            case PROCESS -> !(named instanceof Process);
            case DOCKER -> !(named instanceof Docker);
        };
        if (contradicts) {
            throw new IllegalArgumentException(
                "`taskRunner` is %s and `runner` is %s: keep the one that is meant, as `taskRunner`.".formatted(named.getType(), task.getRunner())
            );
        }
        return docker != null && named instanceof Docker ? Docker.from(docker) : named;
    }

    private static Docker withoutEntryPoint() {
        return Docker.builder().type(Docker.class.getName()).entryPoint(List.of()).build();
    }
}
