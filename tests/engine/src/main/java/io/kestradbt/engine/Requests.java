package io.kestradbt.engine;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.serializers.JacksonMapper;

/**
 * The protocol: one JSON object a line. Each request has an {@code id}, which its reply carries; requests overlap and replies
 * come in the order in which they are ready. A reply has the fields named below, or {@code error}, and with it
 * {@code refused: true} where Kestra does not take the flow or its inputs.
 *
 * <pre>
 * validate  flow                                           error: null or Kestra's message
 * start     flow, files?, inputs?                          execution_id
 * await     execution_id, out, timeout?, follow?           execution_id, state, ended, seconds
 * run       start and await in one
 * kill      execution_id                                   (returns at once)
 * restart   execution_id                                   execution_id
 * replay    execution_id, task_id                          execution_id of the new one
 * save      flow                                           (nothing is started: for flows with triggers)
 * executions namespace, flow_id                            execution_ids, in the order in which they were started
 * webhook   namespace, flow_id, headers, body              status: what the flow's webhook trigger answers to that POST
 * stop
 * </pre>
 *
 * Paths are absolute. With {@code follow: true} log entries come before the reply as {@code {"id":…,"event":"log",…}}.
 * An execution that has not ended after {@code timeout} seconds is killed, and {@code ended} is false.
 */
final class Requests {
    private static final ObjectMapper JSON = new ObjectMapper(); // Kestra's own leaves out what is null
    private static final Duration KILL_LIMIT = Duration.ofSeconds(30);

    private final Engine engine;
    private final PrintStream replies;

    Requests(Engine engine, PrintStream replies) {
        this.engine = engine;
        this.replies = replies;
    }

    record Request(
        Object id,
        String op,
        Path flow,
        Path files,
        Map<String, Object> inputs,
        String execution_id,
        String namespace,
        String flow_id,
        Map<String, String> headers,
        String body,
        String task_id,
        Path out,
        Double timeout,
        boolean follow,
        boolean leave_logs) {

        Duration limit() {
            return Duration.ofMillis(Math.round((timeout == null ? 300 : timeout) * 1000));
        }
    }

    /** Until stdin ends or {@code stop} comes. What still runs then is given up. */
    void serve(InputStream in) throws IOException {
        reply(Map.of("event", "ready"));
        var lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        var threads = Executors.newVirtualThreadPerTaskExecutor();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Request request;
            try {
                request = JSON.readValue(line, Request.class);
            } catch (JsonProcessingException e) {
                reply(Map.of("error", "Not a request: " + e.getOriginalMessage()));
                continue;
            }
            if ("stop".equals(request.op())) {
                break;
            }
            threads.execute(() -> reply(answer(request)));
        }
        threads.shutdownNow();
    }

    private Map<String, Object> answer(Request request) {
        Map<String, Object> reply = new LinkedHashMap<>();
        reply.put("id", request.id());
        try {
            switch (request.op()) {
                case "validate" -> reply.put("error", engine.refusal(Files.readString(request.flow())).map(Requests::oneLine).orElse(null));
                case "start" -> reply.put("execution_id", start(request).getId());
                case "run" -> await(request, start(request).getId(), reply);
                case "await" -> await(request, request.execution_id(), reply);
                case "kill" -> engine.kill(request.execution_id());
                case "restart" -> reply.put("execution_id", engine.restart(request.execution_id()).getId());
                case "replay" -> reply.put("execution_id", engine.replay(request.execution_id(), request.task_id()).getId());
                case "save" -> engine.save(Files.readString(request.flow()));
                case "executions" -> reply.put("execution_ids", engine.executions(request.namespace(), request.flow_id()).stream().map(Execution::getId).toList());
                case "webhook" -> reply.put("status", engine.deliver(request.namespace(), request.flow_id(), request.headers(), request.body()));
                default -> throw new IllegalArgumentException("No operation " + request.op() + ".");
            }
        } catch (Engine.RefusedException e) {
            reply.put("refused", true);
            reply.put("error", oneLine(e.getMessage()));
        } catch (Exception e) {
            e.printStackTrace();
            reply.put("error", oneLine(e.toString()));
        }
        return reply;
    }

    private Execution start(Request request) throws Exception {
        var inputs = request.inputs() == null ? Map.<String, Object> of() : request.inputs();
        return engine.start(Files.readString(request.flow()), Optional.ofNullable(request.files()), inputs);
    }

    private void await(Request request, String executionId, Map<String, Object> reply) throws Exception {
        Optional<Consumer<LogEntry>> onLog = request.follow() ? Optional.of(log -> reply(event(request, log))) : Optional.empty();
        var started = System.nanoTime();
        var execution = engine.await(executionId, request.limit(), request.leave_logs(), onLog);
        boolean ended = engine.hasEnded(execution);
        if (!ended) {
            engine.kill(executionId);
            execution = engine.await(executionId, KILL_LIMIT, request.leave_logs(), onLog);
        }
        reply.put("execution_id", executionId);
        reply.put("state", execution.getState().getCurrent());
        reply.put("ended", ended);
        reply.put("seconds", (System.nanoTime() - started) / 1e9);
        new Report(engine, execution, request.out()).write();
    }

    private static Map<String, Object> event(Request request, LogEntry log) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("id", request.id());
        event.put("event", "log");
        event.putAll(JacksonMapper.toMap(log));
        return event;
    }

    private void reply(Map<String, Object> reply) {
        try {
            // One call for the whole line: PrintStream does not let two of them mix.
            replies.println(JSON.writeValueAsString(reply));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String oneLine(String message) {
        return message == null ? "" : message.strip().replaceAll("\\s*\\R\\s*", "; ");
    }
}
