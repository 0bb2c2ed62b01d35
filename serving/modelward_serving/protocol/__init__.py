"""What a request says and what is answered: the Open Inference Protocol and plain rows, without I/O."""
