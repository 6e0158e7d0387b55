package io.kestradbt.state;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import io.kestra.core.serializers.JacksonMapper;
import io.kestradbt.bridge.Request;

/**
 * What has to be known of a dbt project before dbt starts: whose state it is. dbt itself tells its name and target once more, and only then
 * a state is kept under them.
 */
final class Project {
    private static final String FILE = "dbt_project.yml";
    private static final String HEAD = "ref: refs/heads/";
    private static final String DETACHED = "HEAD";

    private final Path workingDirectory;
    private final Path folder;
    private final Map<String, Object> options;
    private final Map<String, String> env;
    private final String profiles;
    private final JsonNode file;

    /**
     * @param env      environment variables of the run
     * @param profiles text of the task's profiles.yml, or null
     * @throws IllegalArgumentException if there is no project (yet)
     */
    Project(Path workingDirectory, Request.DbtCommand request, Map<String, String> env, String profiles) throws IOException {
        this.workingDirectory = workingDirectory;
        this.options = request.options();
        this.env = env;
        this.profiles = profiles;
        this.folder = workingDirectory.resolve(option("project_dir").orElse("")).normalize();
        Path found = folder.resolve(FILE);
        if (Files.notExists(found)) {
            throw new IllegalArgumentException(
                "`state: auto` needs the project before dbt starts, and there is no %s in %s: set `projectDir`, and bring the project in by `namespaceFiles`, `inputFiles` or a clone in the same WorkingDirectory."
                    .formatted(FILE, option("project_dir").map("`%s`"::formatted).orElse("the working directory"))
            );
        }
        this.file = yaml(Files.readString(found), FILE);
    }

    /** The key of its own state. */
    StateKey key() throws IOException {
        return new StateKey(name(), target(), branch());
    }

    String name() {
        return Optional.ofNullable(file.path("name").textValue())
            .orElseThrow(() -> new IllegalArgumentException("`state: auto` is kept by the project's name, and %s has no `name`.".formatted(FILE)));
    }

    /** As dbt finds it: named by the task, by a variable, or by the profile, where none means `default`. */
    private String target() throws IOException {
        Optional<String> named = option("target").or(() -> Optional.ofNullable(env.get("DBT_TARGET")));
        if (named.isPresent()) {
            return named.get();
        }
        Optional<JsonNode> profile = profile();
        String target = profile.map(found -> found.path("target").asText("default")).orElse("{{");
        if (target.contains("{{")) {
            throw new IllegalArgumentException("`state: auto` is kept by target, and the profile does not tell the target before dbt starts: set `target`.");
        }
        return target;
    }

    private Optional<JsonNode> profile() throws IOException {
        String name = option("profile").or(() -> Optional.ofNullable(env.get("DBT_PROFILE"))).orElseGet(() -> file.path("profile").asText());
        Optional<String> text = profiles == null ? profilesFile() : Optional.of(profiles);
        return text.map(found -> yaml(found, "profiles.yml").path(name)).filter(JsonNode::isObject);
    }

    private Optional<String> profilesFile() throws IOException {
        Path found = workingDirectory.resolve(env.getOrDefault("DBT_PROFILES_DIR", "")).resolve("profiles.yml");
        return Files.exists(found) ? Optional.of(Files.readString(found)) : Optional.empty();
    }

    /** That of the clone that the project is in; files that are in none count as `main`. */
    private String branch() throws IOException {
        Optional<Path> head = Stream.iterate(folder, path -> path != null && path.startsWith(workingDirectory), Path::getParent)
            .map(path -> path.resolve(".git/HEAD"))
            .filter(Files::isRegularFile)
            .findFirst();
        if (head.isEmpty()) {
            return StateKey.DEFAULT_BRANCH;
        }
        String ref = Files.readString(head.get()).strip();
        return ref.startsWith(HEAD) ? ref.substring(HEAD.length()) : DETACHED;
    }

    private Optional<String> option(String name) {
        return Optional.ofNullable(options.get(name)).map(Object::toString);
    }

    /** The message of a parser may show what it read, which may be secret. */
    private static JsonNode yaml(String text, String name) {
        try {
            return JacksonMapper.ofYaml().readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("`state: auto` needs to read %s, which is no valid YAML.".formatted(name));
        }
    }
}
