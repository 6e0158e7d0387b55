package io.kestradbt.platform;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** How the dbt platform signs what it sends: HMAC-SHA256 over the bytes of the body, in small hexadecimal digits. */
final class WebhookSignature {
    private static final String ALGORITHM = "HmacSHA256";

    private WebhookSignature() {
    }

    /**
     * Whether a body was signed with the secret. Takes the same time whatever the signature is, so that nobody can find it bit by bit.
     *
     * @param signature as the header has it; null if it is not there
     */
    static boolean isRight(String signature, String secret, byte[] body) {
        return signature != null && MessageDigest.isEqual(of(secret, body).getBytes(StandardCharsets.US_ASCII), signature.getBytes(StandardCharsets.UTF_8));
    }

    static String of(String secret, byte[] body) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), ALGORITHM));
            return HexFormat.of().formatHex(mac.doFinal(body));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException(e); // every JVM has it, and takes any key that is not empty
        }
    }
}
