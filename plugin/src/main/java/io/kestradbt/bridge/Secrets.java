package io.kestradbt.bridge;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * Whatever a user may have put a password in. Travels in the environment only, never in a file or an argument.
 *
 * @param profiles      text of a profiles.yml, or null
 * @param vars          dbt variables
 * @param macroArgs     arguments of the macro of {@code run-operation}
 * @param script        the script of a {@link Request.ShellScript}, or null
 * @param platformToken API token of the dbt platform, or null
 * @param kestra        for the server that a flow is put on, or null
 */
public record Secrets(String profiles, Map<String, Object> vars, Map<String, Object> macroArgs, String script, String platformToken, Login kestra) {
    /** Environment variable that carries them. */
    public static final String VARIABLE = "KESTRA_DBT_SECRETS";

    /** Linux takes 128 KiB for one variable; this leaves room for its name and for a task runner that quotes it. */
    private static final int LIMIT = 96 * 1024;

    /** Those of a dbt that runs here. */
    public Secrets(String profiles, Map<String, Object> vars, Map<String, Object> macroArgs, String script) {
        this(profiles, vars, macroArgs, script, null, null);
    }

    /** Those of a request for the dbt platform. */
    public static Secrets ofPlatform(String token) {
        return new Secrets(null, Map.of(), Map.of(), null, token, null);
    }

    /** The same, with what lets us into a Kestra server; null: nothing. */
    public Secrets withKestra(Login login) {
        return new Secrets(profiles, vars, macroArgs, script, platformToken, login);
    }

    /**
     * What lets us into the API of a Kestra server.
     *
     * @param token    API token, or null
     * @param user     of basic authentication, or null
     * @param password of the user, or null
     */
    public record Login(String token, String user, String password) {
        /** Never the values. */
        @Override
        public String toString() {
            return "Login[***]";
        }
    }

    @JsonProperty("version")
    String version() {
        return Protocol.VERSION;
    }

    /**
     * Encode them for {@link #VARIABLE}. Base64, because task runners render the environment as templates once more.
     *
     * @throws IllegalArgumentException if they are too large for an environment variable
     */
    public String toEnvironment() {
        String encoded = Base64.getEncoder().encodeToString(Protocol.encode(this).getBytes(StandardCharsets.UTF_8));
        if (encoded.length() > LIMIT) {
            throw new IllegalArgumentException(
                "The profiles, variables, macro arguments and script of this task are %d KiB once encoded, and at most %d KiB can be passed on: put the script or the profiles into a file with `inputFiles`."
                    .formatted((encoded.length() + 1023) / 1024, LIMIT / 1024)
            );
        }
        return encoded;
    }

    /** Never the values. */
    @Override
    public String toString() {
        return "Secrets[***]";
    }
}
