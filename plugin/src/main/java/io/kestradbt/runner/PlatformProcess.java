package io.kestradbt.runner;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

import org.apache.commons.io.FileUtils;

import com.fasterxml.jackson.databind.JsonNode;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.serializers.JacksonMapper;
import io.kestradbt.bridge.RunnerFiles;
import io.kestradbt.bridge.Secrets;

/**
 * A process of this worker in which requests for the dbt platform wait together. There is one for all that would be started in the same way; it is made by the
 * first, ends when nobody has come for a while, and dies with the worker.
 */
final class PlatformProcess {
    private static final String SOCKET = "KESTRA_DBT_SHARED";

    private static final String READY = "ready";

    /** What the last line of an answer begins with; the exit code follows. */
    private static final char EXIT = '\u0004';

    /** Variables that are different for each task. */
    private static final List<String> OF_ONE_TASK = List.of(Secrets.VARIABLE, "OUTPUT_DIR", "WORKING_DIR");

    private static final Map<Start, PlatformProcess> RUNNING = new ConcurrentHashMap<>();

    private final Process process;
    private final Path socket;

    private PlatformProcess(Process process, Path socket) {
        this.process = process;
        this.socket = socket;
    }

    /**
     * How a process is started, for what matters to its requests.
     *
     * @param command      with its arguments, without the working directory
     * @param env          without what is of one task
     * @param dependencies pip requirements
     */
    private record Start(List<String> command, Map<String, String> env, JsonNode dependencies) {}

    /** A command that would be run in a process of its own. */
    record Command(List<String> words, Map<String, String> env, Path workingDirectory, Path output, AbstractLogConsumer consumer) {}

    /** Whether a command carries out a request for the dbt platform, and nothing else. */
    static boolean takes(Command command) {
        String script = command.words().getLast();
        boolean alone = script.lines().filter(line -> line.contains(RunnerFiles.RUNNER)).count() == 1 && script.lines().allMatch(PlatformProcess::isOurs);
        return alone && request(command).path("kind").asText().startsWith("platform_");
    }

    /**
     * Carry it out.
     *
     * @param onStart gets what cuts it short: the process takes that as the death of whoever asked, and leaves the run alone
     * @return the exit code; empty if the process died meanwhile, after which the same can be asked again
     */
    static OptionalInt carryOut(Command command, Consumer<Runnable> onStart) throws IOException, InterruptedException {
        Start start = start(command);
        PlatformProcess running;
        synchronized (RUNNING) {
            running = RUNNING.get(start);
            if (running == null || !running.process.isAlive()) {
                RUNNING.remove(start);
                Starting starting = Starting.of(command);
                if (!starting.ready()) {
                    return OptionalInt.of(starting.process().waitFor());
                }
                running = new PlatformProcess(starting.process(), starting.socket());
                RUNNING.put(start, running);
            }
        }
        return running.ask(command, onStart);
    }

    private OptionalInt ask(Command command, Consumer<Runnable> onStart) throws IOException {
        Map<String, String> asked = new LinkedHashMap<>();
        asked.put("request", command.workingDirectory().resolve(RunnerFiles.REQUEST).toString());
        asked.put("output", command.output().toString());
        asked.put("secrets", command.env().get(Secrets.VARIABLE));
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            onStart.accept(() -> close(channel));
            channel.connect(UnixDomainSocketAddress.of(socket));
            ByteBuffer line = ByteBuffer.wrap((JacksonMapper.ofJson().writeValueAsString(asked) + "\n").getBytes(StandardCharsets.UTF_8));
            while (line.hasRemaining()) {
                channel.write(line);
            }
            return exitCode(new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8)), command.consumer());
        } catch (ClosedChannelException e) {
            throw e; // cut short on our side
        } catch (IOException e) {
            return OptionalInt.empty(); // it has died, or ended because nobody had come
        }
    }

    private static OptionalInt exitCode(BufferedReader answer, AbstractLogConsumer consumer) throws IOException {
        for (String line = answer.readLine(); line != null; line = answer.readLine()) {
            if (!line.isEmpty() && line.charAt(0) == EXIT) {
                return OptionalInt.of(Integer.parseInt(line.substring(1)));
            }
            consumer.accept(line, false);
        }
        return OptionalInt.empty();
    }

    /** Cut a request short. */
    private static void close(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isOurs(String line) {
        return line.isBlank() || line.strip().equals("set -e") || line.contains(RunnerFiles.RUNNER);
    }

    private static Start start(Command command) {
        Map<String, String> env = new HashMap<>(command.env());
        env.keySet().removeAll(OF_ONE_TASK);
        return new Start(moved(command, Path.of("/")), env, request(command).path("dependencies"));
    }

    private static List<String> moved(Command command, Path folder) {
        return command.words().stream().map(word -> word.replace(command.workingDirectory().toString(), folder.toString())).toList();
    }

    private static JsonNode request(Command command) {
        try {
            return JacksonMapper.ofJson().readTree(command.workingDirectory().resolve(RunnerFiles.REQUEST).toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A process that was started.
     *
     * @param ready whether it listens; if not, it has said why to whoever it was started for, and ended
     */
    private record Starting(Process process, Path socket, boolean ready) {
        static Starting of(Command command) throws IOException {
            Path folder = Files.createTempDirectory("kestra-dbt-"); // for its owner alone
            Path files = Files.createDirectories(folder.resolve(RunnerFiles.RUNNER).getParent());
            Files.copy(command.workingDirectory().resolve(RunnerFiles.RUNNER), folder.resolve(RunnerFiles.RUNNER));
            Files.copy(command.workingDirectory().resolve(RunnerFiles.REQUEST), folder.resolve(RunnerFiles.REQUEST));
            Path socket = files.resolve("s");
            ProcessBuilder builder = new ProcessBuilder(moved(command, folder)).directory(folder.toFile()).redirectErrorStream(true);
            builder.environment().putAll(command.env());
            builder.environment().keySet().removeAll(OF_ONE_TASK);
            builder.environment().put(SOCKET, socket.toString());
            Process process = builder.start();
            process.onExit().thenRun(() -> FileUtils.deleteQuietly(folder.toFile()));
            BufferedReader told = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            for (String line = told.readLine(); line != null; line = told.readLine()) {
                if (line.equals(READY)) {
                    Thread.ofVirtual().name("kestra-dbt-platform").start(() -> drain(told));
                    return new Starting(process, socket, true);
                }
                command.consumer().accept(line, false);
            }
            return new Starting(process, socket, false);
        }

        /** What it says besides its answers is for nobody, but has to be read, or it would block. */
        private static void drain(BufferedReader told) {
            try {
                told.transferTo(Writer.nullWriter());
            } catch (IOException e) {
                // It has ended.
            }
        }
    }
}
