package io.kestradbt.bridge;

import java.io.Serial;

/** The runner said something that this plugin cannot read. */
public final class ContractException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    ContractException(String message) {
        super(message);
    }
}
