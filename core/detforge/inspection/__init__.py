"""What the data look like, before a run or a conversion: statistics, odd labels, pictures.

Above `data` and `inference`, which know nothing of it. Reads data through `SampleSource` and
`TrainingBatches` alone, so that it sees what training sees.

    inputs       what a path or a spec names -> parts of a data set
    measures     labelled images -> arrays, a few bytes for each object
    suspicious   labels that are probably mistakes
    fitting      what a spec makes of the data
    summary      arrays -> numbers for people and JSON
    charts       the numbers as a picture
    report       files of a statistics run
    preview      training images as the network sees them
"""
