package io.kestradbt.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

import io.kestra.core.exceptions.InputOutputValidationException;
import io.kestra.core.http.HttpRequest;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.flows.FlowSource;
import io.kestra.core.models.flows.State;
import io.kestra.core.plugins.PluginRegistry;
import io.kestra.core.repositories.ExecutionRepositoryInterface;
import io.kestra.core.repositories.FlowRepositoryInterface;
import io.kestra.core.repositories.MetricRepositoryInterface;
import io.kestra.core.runners.FlowInputOutput;
import io.kestra.core.runners.TestRunner;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.services.FlowService;
import io.kestra.core.services.WebhookService;
import io.kestra.core.storages.NamespaceFactory;
import io.kestra.core.storages.NamespaceFile;
import io.kestra.core.storages.StorageInterface;
import io.kestra.core.tenant.TenantService;
import io.kestra.core.utils.IdUtils;
import io.kestra.plugin.core.trigger.AbstractWebhookTrigger;
import io.kestra.plugin.core.trigger.WebhookContext;
import io.micronaut.context.ApplicationContext;
import io.micronaut.data.model.Pageable;
import jakarta.validation.ConstraintViolationException;
import org.slf4j.event.Level;

/** Executor, worker, scheduler and indexer of Kestra in this JVM, with everything in memory. Safe for use by many threads. */
final class Engine {
    private static final String TENANT = TenantService.MAIN_TENANT;
    private static final Duration POLL = Duration.ofMillis(50);
    private static final Duration SETTLE_LIMIT = Duration.ofSeconds(60);
    private static final int SETTLED_AFTER_EQUAL_LOOKS = 4;

    private final ApplicationContext context;
    private final Kestra kestra;

    private Engine(ApplicationContext context) {
        this.context = context;
        this.kestra = context.getBean(Kestra.class);
    }

    /**
     * Starts the engine and waits until it takes executions.
     *
     * @param plugins folder of plugin jars, each loaded by a class loader of its own as a server does
     * @param work    an empty folder for the internal storage
     */
    static Engine start(Path plugins, Path work) {
        int port = freePort();
        var context = ApplicationContext.builder("cli").properties(Map.of(
            "kestra.storage.local.base-path", work.resolve("storage").toString(),
            // Kestra 2.0 only: its worker reaches the executor over gRPC, within one JVM too.
            "kestra.controller.port", port,
            "kestra.worker.controllers.static.endpoints", List.of(Map.of("host", "localhost", "port", port)))).start();
        context.getBean(PluginRegistry.class).registerIfAbsent(plugins);
        context.getBean(TestRunner.class).run();
        return new Engine(context);
    }

    /** Kestra's own judgement of a flow: empty, or why it refuses it. */
    Optional<String> refusal(String source) {
        return bean(FlowService.class).validate(TENANT, List.of(new FlowSource(null, source))).stream()
            .map(violation -> violation.getConstraints())
            .filter(message -> message != null)
            .findFirst();
    }

    /**
     * Saves the flow, or its new revision, and starts it.
     *
     * @param files  replaces the files of the flow's namespace where it is given
     * @param inputs as a form or the API sends them; Kestra gives them the types that the flow declares
     */
    Execution start(String source, Optional<Path> files, Map<String, Object> inputs) throws Exception {
        var flow = save(source);
        if (files.isPresent()) {
            replaceFiles(flow.getNamespace(), files.get());
        }
        var execution = newExecution(flow, inputs);
        kestra.submit(execution);
        return execution;
    }

    /** Saves the flow, or its new revision; its triggers are in force from then on. */
    Flow save(String source) throws Exception {
        var refusal = refusal(source);
        if (refusal.isPresent()) {
            throw new RefusedException(refusal.get());
        }
        return bean(FlowService.class).importFlow(TENANT, source);
    }

    /** All executions of a flow, in the order in which they were started. */
    List<Execution> executions(String namespace, String flowId) {
        return bean(ExecutionRepositoryInterface.class).findByFlowId(TENANT, namespace, flowId, Pageable.UNPAGED).stream()
            .sorted(Comparator.comparing(execution -> execution.getState().getStartDate()))
            .toList();
    }

    /** What the webhook trigger of a flow answers to a POST: Kestra's server, which is on no public repository, hands it over in the same way. */
    int deliver(String namespace, String flowId, Map<String, String> headers, String body) throws Exception {
        var flow = bean(FlowRepositoryInterface.class).findById(TENANT, namespace, flowId).orElseThrow();
        var trigger = (AbstractWebhookTrigger) flow.getTriggers().stream().filter(AbstractWebhookTrigger.class::isInstance).findFirst().orElseThrow();
        var uri = URI.create("http://localhost/api/v1/%s/executions/webhook/%s/%s/%s".formatted(TENANT, namespace, flowId, trigger.getKey()));
        var all = headers.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, header -> List.of(header.getValue())));
        var request = HttpRequest.of(uri, "POST", HttpRequest.StringRequestBody.of(body), all);
        var context = WebhookContext.builder().request(request).flow(flow).trigger(trigger).webhookService(bean(WebhookService.class)).build();
        return trigger.evaluate(context).block(SETTLE_LIMIT).getStatus().getCode();
    }

    private Execution newExecution(Flow flow, Map<String, Object> inputs) throws RefusedException {
        try {
            return Execution.newExecution(
                flow, (f, e) -> bean(FlowInputOutput.class).readExecutionInputs(f, e, inputs), List.of(), Optional.empty());
        } catch (InputOutputValidationException | ConstraintViolationException e) {
            throw new RefusedException(e.getMessage());
        }
    }

    private void replaceFiles(String namespace, Path folder) throws Exception {
        var files = bean(NamespaceFactory.class).of(TENANT, namespace, bean(StorageInterface.class));
        for (NamespaceFile old : files.all()) {
            files.delete(old);
        }
        List<Path> paths;
        try (var walk = Files.walk(folder)) {
            paths = walk.filter(Files::isRegularFile).sorted().toList();
        }
        for (Path path : paths) {
            try (var content = Files.newInputStream(path)) {
                files.putFile(folder.relativize(path), content);
            }
        }
    }

    /**
     * Waits until the execution has ended and all it logged and counted has arrived.
     *
     * @param leaveLogs whether not to wait for logs and metrics, which may take minutes after a hundred thousand lines
     * @param onLog gets each log entry as it comes; without it nobody reads them, of which there may be thousands, before the end
     * @return the execution as it is then, which has not ended if the limit has passed
     */
    Execution await(String executionId, Duration limit, boolean leaveLogs, Optional<Consumer<LogEntry>> onLog) throws Exception {
        var deadline = Instant.now().plus(limit);
        var follower = onLog.map(LogFollower::new);
        while (true) {
            var began = Instant.now();
            var execution = find(executionId);
            if (execution.isPresent() && follower.isPresent()) {
                follower.get().see(kestra.logs(executionId));
            }
            if (execution.filter(this::hasEnded).isPresent()) {
                return leaveLogs ? execution.get() : settled(execution.get(), follower);
            }
            if (Instant.now().isAfter(deadline)) {
                return execution.orElseThrow(() -> new IllegalArgumentException("No execution " + executionId + "."));
            }
            rest(began);
        }
    }

    /** An execution with thousands of task runs takes long to read: most of the time belongs to the engine. */
    private static void rest(Instant since) throws InterruptedException {
        var taken = Duration.between(since, Instant.now()).multipliedBy(4);
        Thread.sleep(taken.compareTo(POLL) > 0 ? taken : POLL);
    }

    /**
     * Logs and metrics come by queues of their own, well after the end where there are many. So: until an entry of ours, sent
     * after all others, has come through, and then until nothing new comes; threads that fill the queue may overtake each other.
     */
    private Execution settled(Execution ended, Optional<LogFollower> follower) throws Exception {
        record Look(List<State.Type> states, int logs, int metrics) {
        }
        var marker = IdUtils.create(); // an execution of its own, so that nobody sees it
        kestra.log(LogEntry.of(ended).toBuilder().executionId(marker).timestamp(Instant.now()).level(Level.TRACE).message("end").build());
        // As long as more comes: a hundred thousand lines may take minutes.
        for (int before = -1, now = 0; now > before && !arrives(marker);) {
            before = now;
            now = kestra.logs(ended.getId()).size();
        }
        var deadline = Instant.now().plus(SETTLE_LIMIT);
        var execution = ended;
        Look last = null;
        for (int equal = 0; equal < SETTLED_AFTER_EQUAL_LOOKS && Instant.now().isBefore(deadline);) {
            Thread.sleep(POLL);
            execution = get(ended.getId());
            var logs = kestra.logs(execution.getId());
            follower.ifPresent(f -> f.see(logs));
            var states = taskRuns(execution).stream().map(taskRun -> taskRun.getState().getCurrent()).toList();
            var look = new Look(states, logs.size(), metrics(execution).size());
            // Kestra 1.3 calls an execution killed while its tasks still stop.
            boolean stopping = execution.getState().getCurrent() == State.Type.KILLED && !states.stream().allMatch(State.Type::isTerminated);
            equal = !stopping && look.equals(last) ? equal + 1 : 0;
            last = look;
        }
        return execution;
    }

    private boolean arrives(String marker) throws InterruptedException {
        var deadline = Instant.now().plus(SETTLE_LIMIT);
        while (kestra.logs(marker).isEmpty()) {
            if (Instant.now().isAfter(deadline)) {
                return false;
            }
            Thread.sleep(POLL);
        }
        return true;
    }

    void kill(String executionId) throws Exception {
        kestra.kill(get(executionId));
    }

    /** Goes on from the tasks that failed, in the same execution. */
    Execution restart(String executionId) throws Exception {
        var execution = get(executionId);
        var restarted = kestra.restarted(execution, flow(execution));
        kestra.submit(restarted);
        // Until the executor has it, the execution still looks ended, and a wait for its end would be over at once.
        var deadline = Instant.now().plus(SETTLE_LIMIT);
        while (get(executionId).getState().getHistories().size() < restarted.getState().getHistories().size()) {
            if (Instant.now().isAfter(deadline)) {
                throw new IllegalStateException("The restart of " + executionId + " was not taken up.");
            }
            Thread.sleep(POLL);
        }
        return restarted;
    }

    /** Does again, as a new execution, what came from this task on. */
    Execution replay(String executionId, String taskId) throws Exception {
        var execution = get(executionId);
        var from = taskRuns(execution).stream().filter(taskRun -> taskRun.getTaskId().equals(taskId)).findFirst()
            .orElseThrow(() -> new IllegalArgumentException("No task run of " + taskId + " in " + executionId + "."));
        var replayed = kestra.replayed(execution, flow(execution), from.getId());
        kestra.submit(replayed);
        return replayed;
    }

    Optional<Execution> find(String executionId) {
        return bean(ExecutionRepositoryInterface.class).findById(TENANT, executionId);
    }

    Execution get(String executionId) {
        return find(executionId).orElseThrow(() -> new IllegalArgumentException("No execution " + executionId + "."));
    }

    Flow flow(Execution execution) {
        return bean(FlowRepositoryInterface.class)
            .findById(TENANT, execution.getNamespace(), execution.getFlowId(), Optional.of(execution.getFlowRevision()))
            .orElseThrow();
    }

    boolean hasEnded(Execution execution) {
        return bean(ExecutionService.class).isTerminated(flow(execution), execution);
    }

    /** Never null, as it is in an execution that has not started. */
    static List<TaskRun> taskRuns(Execution execution) {
        return execution.getTaskRunList() == null ? List.of() : execution.getTaskRunList();
    }

    List<?> metrics(Execution execution) {
        return bean(MetricRepositoryInterface.class).findByExecutionId(TENANT, execution.getId(), Pageable.UNPAGED);
    }

    Kestra kestra() {
        return kestra;
    }

    <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    private static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Kestra does not take the flow or its inputs. The message is Kestra's. */
    static final class RefusedException extends Exception {
        RefusedException(String message) {
            super(message);
        }
    }
}
