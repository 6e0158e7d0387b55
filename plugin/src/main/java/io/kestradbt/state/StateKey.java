package io.kestradbt.state;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Whose state it is.
 *
 * @param project name of the dbt project
 * @param target  of the profile
 * @param branch  of the git clone that the project is in
 */
record StateKey(String project, String target, String branch) {
    /** Of files that are in no git clone. */
    static final String DEFAULT_BRANCH = "main";

    private static final int LONGEST = 60;
    private static final int DIGITS = 8;

    /** The entry in the KV store; also the folder of the files. */
    String name() {
        return "dbt-state.%s.%s.%s".formatted(part(project), part(target), part(branch));
    }

    /** For sentences. */
    @Override
    public String toString() {
        return "project %s, target %s, branch %s".formatted(project, target, branch);
    }

    /** KV keys take few characters, and a dot parts ours: what is changed for that is told apart by a hash. */
    private static String part(String name) {
        String plain = name.replaceAll("[^A-Za-z0-9_-]", "-");
        String cut = plain.length() > LONGEST ? plain.substring(0, LONGEST) : plain;
        return cut.equals(name) ? name : cut + "-" + hash(name).substring(0, DIGITS);
    }

    /** SHA-256 in hexadecimal digits. */
    static String hash(String text) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JVM has it
        }
    }
}
