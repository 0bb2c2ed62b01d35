"""Keras through tf2onnx, with a softmax at the end of a classifier. `python keras_model.py [poisson]`.

BatchNormalization scales the inputs: tf2onnx makes further inputs of the constants of an adapted Normalization.
"""

import sys

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from common import CLASSES, COLUMNS, HELD_OUT, X, Y, leave, named, numbered

keras.utils.set_random_seed(0)
end = {"units": len(CLASSES), "activation": "softmax"} if CLASSES else {"units": 1}
if sys.argv[1:] == ["poisson"]:
    end["activation"] = "exponential"
model = keras.Sequential(
    [
        keras.Input((len(COLUMNS),)),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(**end),
    ]
)
loss = "sparse_categorical_crossentropy" if CLASSES else (sys.argv[1:] or ["mse"])[0]
model.compile("adam", loss)
model.fit(X, numbered(Y) if CLASSES else Y.astype(np.float32), epochs=20, verbose=0)


@tf.function(input_signature=[tf.TensorSpec([None, len(COLUMNS)], tf.float32, name="x")])
def serve(x):
    return model(x)


exported, _ = tf2onnx.convert.from_function(serve, serve.input_signature, opset=17)
given = model.predict(HELD_OUT, verbose=0)
if CLASSES:
    leave(exported.SerializeToString(), named(given.argmax(axis=1)), given)
else:
    leave(exported.SerializeToString(), given)
