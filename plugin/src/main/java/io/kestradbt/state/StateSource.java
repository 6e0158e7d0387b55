package io.kestradbt.state;

import java.net.URI;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where an earlier state of a project is, as the properties {@code state} and {@code deferState} spell it. */
public sealed interface StateSource {
    /** What Kestra keeps: of this project's own target and branch, or, if a target is named, of that one. */
    record Auto(Optional<String> target, Optional<String> branch) implements StateSource {
        /** Whether it is the task's own, which a success replaces. */
        boolean own() {
            return target.isEmpty();
        }
    }

    /** A file in the internal storage. */
    record Stored(URI uri) implements StateSource {}

    /** A namespace file, or a folder of such. */
    record NamespaceFile(Optional<String> namespace, String path) implements StateSource {}

    /** An entry of the namespace's KV store that says where it is. */
    record Key(String key) implements StateSource {}

    /** A folder of the working directory. */
    record Folder(String path) implements StateSource {}

    /**
     * Read the spelling.
     *
     * @throws IllegalArgumentException if it begins as one of these, but is none
     */
    static StateSource parse(String property, String text) {
        String given = text.strip();
        if (given.equals("auto") || given.startsWith("auto:")) {
            return auto(property, given);
        }
        if (given.startsWith("kestra://")) {
            return new Stored(URI.create(given));
        }
        if (given.startsWith("nsfile://")) {
            URI uri = URI.create(given);
            return new NamespaceFile(Optional.ofNullable(uri.getAuthority()), uri.getPath());
        }
        return given.startsWith("kv://") ? new Key(given.substring("kv://".length())) : new Folder(given);
    }

    private static Auto auto(String property, String given) {
        Matcher parts = Spelling.AUTO.matcher(given);
        if (!parts.matches()) {
            throw new IllegalArgumentException(
                "`%s` is \"%s\": expected `auto`, or `auto:` with a target, as `auto:prod`, or with a branch too, as `auto:prod@main`.".formatted(property, given)
            );
        }
        return new Auto(Optional.ofNullable(parts.group("target")), Optional.ofNullable(parts.group("branch")));
    }

    /** The part that is no simple prefix. */
    final class Spelling {
        private static final Pattern AUTO = Pattern.compile("auto(?::(?<target>[^@\\s]+)(?:@(?<branch>\\S+))?)?");

        private Spelling() {
        }
    }
}
