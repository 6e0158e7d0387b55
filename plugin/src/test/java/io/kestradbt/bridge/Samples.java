package io.kestradbt.bridge;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The samples of the contract, which the runner's own tests read too. */
public final class Samples {
    private Samples() {
    }

    public static String text(String name) throws IOException {
        return Files.readString(folder().resolve(name));
    }

    public static List<String> lines(String name) throws IOException {
        return Files.readAllLines(folder().resolve(name));
    }

    public static List<Path> all() throws IOException {
        try (var files = Files.list(folder())) {
            return files.sorted().toList();
        }
    }

    private static Path folder() {
        String given = System.getProperty("contract.samples");
        if (given != null) {
            return Path.of(given);
        }
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("contract/samples"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException("contract/samples is in no folder above " + Path.of("").toAbsolutePath());
            }
        }
        return folder.resolve("contract/samples");
    }
}
