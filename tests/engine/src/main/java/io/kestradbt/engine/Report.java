package io.kestradbt.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.storages.StorageInterface;
import io.kestra.core.utils.GraphUtils;

/** Writes all that Kestra knows of an execution to a folder, in Kestra's own JSON. */
final class Report {
    private static final ObjectMapper JSON = JacksonMapper.ofJson();

    private final Engine engine;
    private final Execution execution;
    private final Path folder;

    Report(Engine engine, Execution execution, Path folder) {
        this.engine = engine;
        this.execution = execution;
        this.folder = folder;
    }

    void write() throws Exception {
        Files.createDirectories(folder);
        var withOutputs = executionWithOutputs();
        writeJson("execution.json", withOutputs);
        // The graph that the Topology of an execution draws.
        writeJson("graph.json", GraphUtils.flowGraph(engine.flow(execution), execution).forExecution());
        writeJson("metrics.json", engine.metrics(execution));
        writeLogs();
        var files = new OutputFiles(engine.bean(StorageInterface.class), execution, folder.resolve("files"));
        for (JsonNode taskRun : withOutputs.path("taskRunList")) {
            files.write(taskRun.path("taskId").asText(), taskRun.path("outputs"));
        }
    }

    /** The shape of Kestra 1.3 for both: the outputs in the task runs. */
    private ObjectNode executionWithOutputs() throws Exception {
        ObjectNode json = JSON.valueToTree(execution);
        json.set("outputs", JSON.valueToTree(engine.kestra().outputs(execution)));
        var taskRuns = Engine.taskRuns(execution);
        for (int i = 0; i < taskRuns.size(); i++) {
            // Those that a task has added have none, and there may be thousands.
            var outputs = Boolean.TRUE.equals(taskRuns.get(i).getDynamic()) ? null : engine.kestra().outputs(taskRuns.get(i));
            // A map of our own: Kestra 1.3 writes one that it keeps in the storage as a reference to it.
            ((ObjectNode) json.path("taskRunList").get(i)).set("outputs", JSON.valueToTree(outputs == null ? Map.of() : new HashMap<>(outputs)));
        }
        return json;
    }

    private void writeLogs() throws IOException {
        Map<String, String> labels = new HashMap<>();
        for (TaskRun taskRun : Engine.taskRuns(execution)) {
            labels.put(taskRun.getId(), taskRun.getTaskId() + (taskRun.getValue() == null ? "" : "[" + taskRun.getValue() + "]"));
        }
        var logs = new ArrayList<>(engine.kestra().logs(execution.getId()));
        logs.sort(Comparator.comparing(LogEntry::getTimestamp));
        try (var text = Files.newBufferedWriter(folder.resolve("logs.txt")); var lines = Files.newBufferedWriter(folder.resolve("logs.jsonl"))) {
            for (LogEntry log : logs) {
                var label = labels.getOrDefault(log.getTaskRunId(), log.getTaskId() == null ? "-" : log.getTaskId());
                text.write("%s %s %s %s%n".formatted(log.getTimestamp(), log.getLevel(), label, oneLine(log.getMessage())));
                lines.write(JSON.writeValueAsString(log));
                lines.newLine();
            }
        }
    }

    private static String oneLine(String message) {
        return message == null ? "" : message.strip().replaceAll("\\R", "\\\\n");
    }

    private void writeJson(String name, Object value) throws IOException {
        JSON.writerWithDefaultPrettyPrinter().writeValue(folder.resolve(name).toFile(), value);
    }
}
