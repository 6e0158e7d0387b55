package io.kestradbt.engine;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * A Kestra engine as a program: {@code Main PLUGINS_FOLDER WORK_FOLDER}, then requests on stdin and replies on stdout, as
 * {@link Requests} describes.
 */
public final class Main {
    private Main() {
    }

    public static void main(String[] args) throws Exception {
        if (args.length != 2) {
            System.err.println("usage: Main PLUGINS_FOLDER WORK_FOLDER");
            System.exit(2);
        }
        // gRPC logs there, past the logback.xml that bounds all others.
        Logger.getLogger("").setLevel(Level.WARNING);
        // Replies own stdout; whatever else the engine or a plugin prints must not end up between them.
        var replies = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err);

        var engine = Engine.start(Path.of(args[0]), Path.of(args[1]));
        new Requests(engine, replies).serve(System.in);

        // Nothing is worth an orderly end: all is in memory. Only what tasks have started would outlive this JVM.
        ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
        Runtime.getRuntime().halt(0);
    }
}
